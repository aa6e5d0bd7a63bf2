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
    (taken,) = json.loads(explain(*request, *headers).out)
    assert (taken["listener"], taken["route"], taken["refused"]) == ("web", "orders", None)
    assert (taken["tier"], taken["filters"], taken["phases"]) == ("native", [], [])
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


# === filters ===

FILTERED = """\
listeners:
- name: web
  listen: 127.0.0.1:8080
  routes:
  - name: orders
    match: {path: {prefix: /orders}}
    filters:
    - {use: ./both.py, fail: open}
    - {use: ./slow.py, timeout: 250ms}
    upstream: app
  - name: hello
    match: {path: {exact: /hello}}
    filters: [{use: ./both.py}]
    respond: {status: 200}
  - name: rest
    upstream: app
upstreams: [{name: app, endpoints: [127.0.0.1:81]}]
"""
BOTH = """
from flatproxy import Filter

class Both(Filter):
    name = "acme.both"
    version = "1.2"
    def on_request(self, exchange): pass
    def on_response(self, exchange): pass
"""
SLOW = """
from flatproxy import Filter

class Slow(Filter):
    name = "acme.slow"
    async def on_request(self, exchange): pass
    async def on_response(self, exchange): pass
    def on_done(self, exchange): pass
"""


@pytest.fixture
def filtered(flatproxy, tmp_path):
    for name, text in (("flatproxy.yaml", FILTERED), ("both.py", BOTH), ("slow.py", SLOW)):
        (tmp_path / name).write_text(text)

    def run(*arguments):
        ran = flatproxy("explain", *arguments, COLUMNS="200")
        assert ran.code == 0, ran.err
        return ran.out

    return run


def test_the_filters_of_a_route_are_shown_as_the_operator_placed_them(filtered):
    rows = [cells(line) for line in filtered("/orders/1").splitlines() if line.strip()]
    assert ["web / orders has 2 filters, in the order of the file:"] in rows
    begin = rows.index(["filter", "asked in", "fails", "time-out", "version", "from", "place"])
    assert rows[begin + 2 : begin + 4] == [
        [
            "acme.both", "on_request (inline), on_response (inline)", "open", "1s", "1.2", "file ./both.py",
            "flatproxy.yaml:8:13",
        ],
        [
            "acme.slow", "on_request (async), on_response (async), on_done (inline)", "closed", "250ms", "-",
            "file ./slow.py", "flatproxy.yaml:9:13",
        ],
    ]  # fmt: skip


def test_the_phases_are_shown_in_order_with_who_is_asked_in_each(filtered):
    rows = [cells(line) for line in filtered("/orders/1").splitlines() if line.strip()]
    begin = rows.index(["phase", "filters, as they are asked", "for"])
    assert rows[begin + 2 :] == [
        ["on_request", "acme.both > acme.slow", "every request"],
        ["on_response", "acme.slow > acme.both", "every reply of the upstream"],
        ["on_done", "acme.slow", "every end"],
    ], "response phases go through the filters in reverse"


def test_a_phase_that_a_route_cannot_come_to_is_said(filtered):
    shown = filtered("/hello")
    assert "web / hello enters 1 phase:" in shown
    assert "Never asked, as this route asks no upstream: on_response of acme.both." in shown


def test_a_route_without_filters_enters_nothing(filtered):
    assert "web / rest has no filter: no phase is entered, and no exchange leaves the core." in filtered("/")


def test_filters_and_phases_are_in_the_json_too(filtered):
    (taken,) = json.loads(filtered("/orders/1", "--json"))
    assert taken["filters"][1]["asked"] == {
        "on_request": "async",
        "on_response": "async",
        "on_done": "inline",
    }
    assert taken["phases"][1] == {
        "phase": "on_response",
        "when": "every reply of the upstream",
        "filters": ["acme.slow", "acme.both"],
    }
    (web,) = json.loads(filtered("--json"))["listeners"]
    assert [one["name"] for one in web["routes"][0]["filters"]] == ["acme.both", "acme.slow"]


def test_the_table_of_routes_names_the_filters(filtered):
    rows = [cells(line) for line in filtered().splitlines() if line.strip()]
    assert rows[2][3] == "acme.both, acme.slow"
    assert rows[4][3:6] == ["-", "app", "native"]
