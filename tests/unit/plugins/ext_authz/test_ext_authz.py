"""The filter and a real HTTP service: what it is asked, what comes of its answers, and of none."""

import pytest
from pydantic import ValidationError

from flatproxy.api.testing import Peer, Reply, Request, drive
from flatproxy.plugins.ext_authz.filter import ExtAuthz
from flatproxy.plugins.ext_authz.options import ExtAuthzOptions
from tests.e2e.stand.service import Service, response, sends, silence

CART = "spiffe://demo.mesh/shop/cart"


@pytest.fixture
def service():
    """Starts a service that answers every question with these bytes, or behaves in that way; ended with the test."""
    started = []

    def begin(*answers, behaviour=None):
        async def answer(conversation):
            while await conversation.request():
                await conversation.send(answers[min(len(one.requests), len(answers)) - 1])

        one = Service(behaviour or answer)
        started.append(one)
        return one.__enter__()

    yield begin
    for one in started:
        one.__exit__(None, None, None)


def asked(service, request="/", peer=None, **options):
    return drive(
        ExtAuthz, options={"url": f"http://{service.address}/check", **options}, request=request, peer=peer
    )


def made(service, **options):
    """An instance that several exchanges go through."""
    return ExtAuthz(
        ExtAuthzOptions.model_validate(
            {"url": f"http://{service.address}/check", "timeout": "100ms", **options}
        )
    )


# === the question ===


def test_the_service_is_told_method_path_host_address_and_identity(service):
    authz = service(response(b""))
    request = Request("/v1/a%2Fb%20c", method="POST", host="shop.demo", query="q=%31&r", body=b"secret")
    done = asked(authz, request, Peer(CART, "192.0.2.7"))
    assert done.response.status == 200
    (question,) = authz.requests
    assert question.head.startswith(b"POST /check/v1/a%2Fb%20c?q=%31&r HTTP/1.1\r\n")
    assert question.body == b"", "the body is not for the service"
    told = {
        "x-forwarded-method": ["POST"],
        "x-forwarded-uri": ["/v1/a%2Fb%20c?q=%31&r"],
        "x-forwarded-host": ["shop.demo"],
        "x-forwarded-for": ["192.0.2.7"],
        "x-forwarded-proto": ["https"],
        "x-client-identity": [CART],
        "host": [authz.address],
    }
    assert {name: question.values(name) for name in told} == told


def test_only_headers_that_the_operator_names_are_told(service):
    authz = service(response(b""))
    lines = [("Authorization", "Bearer x"), ("cookie", "a=1"), ("Cookie", "b=2"), ("x-other", "1")]
    asked(authz, Request(headers=lines))
    (question,) = authz.requests
    assert question.values("authorization") == ["Bearer x"]
    assert question.values("cookie") == ["a=1", "b=2"]
    assert question.values("x-other") == []


def test_a_client_cannot_say_who_it_is(service):
    authz = service(response(b""))
    lines = [("x-client-identity", CART), ("x-forwarded-for", "10.0.0.1"), ("x-forwarded-uri", "/harmless")]
    asked(authz, Request("/admin", headers=lines))
    (question,) = authz.requests
    assert question.values("x-client-identity") == [], "it showed no certificate"
    assert question.values("x-forwarded-for") == ["127.0.0.1"]
    assert question.values("x-forwarded-uri") == ["/admin"]


def test_a_fixed_question_is_a_get_of_the_url(service):
    authz = service(response(b""))
    asked(authz, Request("/v1", method="DELETE", query="a"), ask="fixed")
    assert authz.requests[0].head.startswith(b"GET /check HTTP/1.1\r\n")
    assert authz.requests[0].values("x-forwarded-method") == ["DELETE"]


# === the answer ===


def test_a_yes_may_tell_the_upstream_who_it_is(service):
    authz = service(response(b"", "204 No Content", "X-User: ann", "x-group: a", "x-group: b", "x-other: 1"))
    sent = asked(authz, upstream_headers=["x-user", "X-Group"]).attempts[0]
    assert sent.headers == (("x-user", "ann"), ("x-group", "a"), ("x-group", "b"))


@pytest.mark.parametrize("name", ["x-user", "X-USER", "x_user", "X_uSer"])
def test_what_the_client_says_under_those_names_is_dropped(service, name):
    request = Request(headers=[(name, "root"), ("x-kept", "1"), (name, "admin")])
    assert asked(service(response(b"")), request, upstream_headers="x-user").attempts[0].headers == (
        ("x-kept", "1"),
    ), "the service said no name"
    said = service(response(b"", "200 OK", "x-user: ann"))
    assert asked(said, request, upstream_headers="x-user").attempts[0].headers[1:] == (("x-user", "ann"),)
    gone = service(response(b"", "500 Oh"))
    allowed = asked(gone, request, upstream_headers="x-user", unanswered="allow")
    assert allowed.attempts[0].headers == (("x-kept", "1"),), "without an answer too"


def test_a_no_goes_to_the_client_with_the_chosen_headers_and_the_body(service):
    authz = service(
        response(
            b"<p>no",
            "401 Unauthorized",
            'WWW-Authenticate: Bearer realm="x"',
            "content-type: text/html",
            "x-secret: 1",
        )
    )
    done = asked(authz)
    assert (done.response.status, done.response.body, done.flag) == (401, b"<p>no", "DENY")
    assert done.response.header("www-authenticate") == 'Bearer realm="x"'
    assert done.response.header("content-type") == "text/html"
    assert done.response.header("x-secret") is None
    assert not done.attempts
    assert [(line.message, line.fields["status"], line.fields["path"]) for line in done.log] == [
        ("refuse", 401, "/")
    ]


def test_a_redirect_to_a_login_page_and_its_cookies_go_to_the_client(service):
    authz = service(
        response(b"", "302 Found", "location: https://login.demo/?to=x", "set-cookie: a=1", "set-cookie: b=2")
    )
    done = asked(authz, client_headers=["location", "set-cookie"])
    assert (done.response.status, done.response.header("location")) == (302, "https://login.demo/?to=x")
    assert done.response.values("set-cookie") == ["a=1", "b=2"]


def test_a_long_body_of_a_refusal_is_left_out(service):
    done = asked(service(response(b"x" * 5000, "403 Forbidden", "content-type: text/html")), body=4096)
    assert (done.response.status, done.response.body) == (403, b"")
    assert done.response.header("content-type") is None


def test_cookies_of_one_client_are_not_sent_with_the_question_about_the_next(service):
    authz = service(response(b"", "200 OK", "set-cookie: session=ann; path=/"))
    for instance in [made(authz)] * 2:
        drive(instance)
    assert [question.values("cookie") for question in authz.requests] == [[], []]


# === no answer ===


@pytest.mark.parametrize(
    "behaviour",
    [
        silence,
        sends(b"HTTP/1.1 200 OK\r\nx-user: a\x00b\r\n\r\n"),
        sends(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"),
        sends(b"nonsense\r\n\r\n"),
        sends(response(b"", "500 Oh")),
        sends(response(b"", "304 Not Modified")),
        sends(response(b"", "101 Switching Protocols")),
        sends(response(b"", "999 What")),
    ],
    ids=["silence", "control character", "half a body", "no HTTP", "500", "304", "101", "999"],
)
def test_without_an_answer_nobody_comes_in(service, behaviour):
    one = made(service(behaviour=behaviour), upstream_headers="x-user")
    done = drive(one)
    assert (done.response.status, done.flag) == (503, "DENY")
    assert done.response.header("retry-after") == "1"
    assert not done.attempts
    assert 'checks_total{listener="test",route="test",result="unanswered"} 1' in done.metrics
    assert done.log[0].message == "no answer"


def test_without_an_answer_all_come_in_where_the_operator_says_so(service, free_port):
    options = {"url": f"http://127.0.0.1:{free_port}", "unanswered": "allow"}
    assert drive(ExtAuthz, options=options).response.status == 200


def test_the_log_holds_no_secret(service):
    authz = service(behaviour=sends(b"HTTP/1.1 200 OK\r\nset-cookie: top\x00secret\r\n\r\n"))
    done = drive(made(authz), request=Request("/a", query="key=secret", headers={"authorization": "secret"}))
    assert done.log
    assert "secret" not in repr(done.log)


def test_a_connection_that_was_closed_meanwhile_is_no_failure(service):
    async def once(conversation):
        await conversation.request()
        await conversation.send(response(b""))

    authz = service(behaviour=once)
    one = made(authz, timeout="5s")
    assert [drive(one).response.status for _ in range(3)] == [200, 200, 200]


# === the circuit and the memory ===


def test_a_service_that_does_not_answer_is_left_alone_for_a_while(service):
    authz = service(response(b"", "500 Oh"), response(b"", "500 Oh"), response(b""))
    one = made(authz, circuit={"failures": 2, "pause": "2s"})
    first = [drive(one, now=0.0) for _ in range(3)]
    assert [done.response.status for done in first] == [503, 503, 503]
    assert len(authz.requests) == 2, "the third is not asked about"
    assert "not_asked" in first[2].metrics
    assert [line.message for line in first[1].log] == ["no answer", "the service is left alone"]
    assert drive(one, now=1.9).response.status == 503
    back = drive(one, now=2.0)
    assert (back.response.status, len(authz.requests)) == (200, 3)
    assert [line.message for line in back.log] == ["the service answers again"]
    assert drive(one, now=2.0).response.status == 200


def test_a_yes_is_remembered_for_the_same_question(service):
    authz = service(response(b"", "200 OK", "x-user: ann"))
    one = made(authz, cache="10s", upstream_headers="x-user", headers="authorization")
    ann = Request("/a", headers={"authorization": "ann"})
    for now in (0.0, 9.9):
        assert drive(one, request=ann, now=now).attempts[0].header("x-user") == "ann"
    assert len(authz.requests) == 1
    for other in (Request("/b", headers={"authorization": "ann"}), Request("/a"), Request("/a", query="x")):
        drive(one, request=other, now=9.9)
    drive(one, request=ann, peer=CART, now=9.9)
    assert len(authz.requests) == 5, "another path, client, query or identity is another question"
    drive(one, request=ann, now=10.0)
    assert len(authz.requests) == 6, "after its time it is asked again"


def test_a_no_is_never_remembered(service):
    authz = service(response(b"", "403 Forbidden"), response(b""))
    one = made(authz, cache="10s")
    assert [drive(one).response.status for _ in range(2)] == [403, 200]


# === options ===


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "authz.demo"}, "must be a URL"),
        ({"url": "https://a?b"}, "without '\\?'"),
        ({"url": "https://me:secret@a"}, "must be a URL"),
        ({"headers": ["host"]}, "written by the proxy itself"),
        ({"headers": ["a b"]}, "no name of a header"),
        ({"headers": ["X-Forwarded-For"]}, "which the question to the service says by itself"),
        ({"upstream_headers": ["x-client-identity"]}, "which the question to the service says by itself"),
        ({"upstream_headers": ["Cookie"]}, "in `headers` and in `upstream_headers`"),
        ({"ca": "ca.pem"}, "for https"),
        ({"unanswered": "maybe"}, "'refuse' or 'allow'"),
        ({"timeout": "0s"}, "longer than 0"),
    ],
)
def test_what_makes_no_sense_is_refused(options, said):
    with pytest.raises(ValidationError, match=said):
        ExtAuthzOptions.model_validate({"url": "http://authz.demo", **options})


def test_certificates_that_are_none_refuse_the_plan(tmp_path):
    (tmp_path / "ca.pem").write_text("none")
    with pytest.raises(OSError, match=r"certificate|PEM"):
        drive(ExtAuthz, options={"url": "https://authz.demo", "ca": "ca.pem"}, folder=tmp_path)


def test_a_reply_of_the_upstream_is_left_as_it_is(service):
    done = drive(made(service(response(b""))), upstream=Reply(500, body="mine"))
    assert (done.response.status, done.response.body) == (500, b"mine")
