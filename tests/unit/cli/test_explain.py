"""`flatproxy explain`: the routes in words, and the answer for one request."""

import json

import pytest


@pytest.fixture
def explain(flatproxy, maximal):
    return lambda *arguments: flatproxy("explain", "-c", maximal.path, *arguments)


def cells(line):
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_every_route_is_a_row_with_its_tier_and_why(explain):
    ran = explain()
    rows = [cells(line) for line in ran.out.splitlines() if line.strip()]
    assert ran.code == 0, ran.err
    assert rows[0] == ["listener", "route", "match", "filters", "goes to", "tier", "why"]
    assert rows[2] == [
        "web ([::1]:8443, tls mutual)",
        "orders",
        "GET,POST orders.demo,*.b /v1/* x-env=prod x-b authorization=(hidden) ?q~a+ ?page=1*",
        "-",
        "orders 90%, other 10%",
        "native",
        "no filter; the core carries every byte",
    ]
    assert rows[3][2:5] == ["/old", "-", "redirect 301: scheme https, host new.demo:8443, prefix /new"]
    assert rows[4][2:5] == ["~/h.*", "-", "respond 201"]
    assert rows[5][:3] == ["plain (127.0.0.1:8080)", "rest", "everything"]


def test_the_whole_plan_as_json_has_no_secret(explain, maximal):
    ran = explain("--json")
    plan = json.loads(ran.out)
    assert [listener["name"] for listener in plan["listeners"]] == ["web", "plain", "own"]
    assert plan["listeners"][0]["routes"][0]["tier"] == "native"
    for secret in ("PRIVATE KEY", "open sesame", maximal.identity.key_pem.splitlines()[1]):
        assert secret not in ran.out, "what explain prints ends up in tickets and chats"


def test_one_request_is_answered_by_the_router(explain):
    ran = explain("http://elsewhere.demo/old")
    rows = [cells(line) for line in ran.out.splitlines() if line.strip()]
    assert rows[0] == ["listener", "route", "because", "goes to", "tier"]
    assert rows[2][1:3] == ["away", "the most specific that holds: /old"]
    assert rows[3][:3] == ["plain (127.0.0.1:8080)", "rest", "the most specific that holds: everything"]


def test_a_request_has_a_method_and_headers(explain):
    headers = ("-H", "x-env: prod", "-H", "x-b: 1", "-H", "Authorization: open sesame")
    request = ("https://orders.demo:8443/v1/x?q=a&page=1", "--json")
    assert json.loads(explain(*request, *headers).out) == [
        {"listener": "web", "route": "orders", "refused": None}
    ]
    assert json.loads(explain(*request, "-X", "PUT", *headers).out) == [
        {"listener": "web", "route": None, "refused": None}
    ]


def test_a_request_that_would_be_refused_says_why(explain):
    ran = explain("https://orders.demo:8443/%zz")
    assert "refused: percent sign in the path without two hexadecimal digits" in ran.out


def test_what_is_no_url_is_an_error(explain):
    ran = explain("orders")
    assert ran.code == 1
    assert ran.err.startswith("error: 'orders' is neither a path such as /v1/orders nor a URL")


def test_a_header_without_a_colon_is_wrong_usage(explain):
    ran = explain("/", "-H", "nonsense")
    assert ran.code == 2, "wrong usage is exit code 2"
    assert "is no header" in ran.err
