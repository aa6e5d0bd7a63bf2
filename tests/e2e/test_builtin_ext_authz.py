"""The filter `ext_authz` on a route, with a real service that decides: it says yes, no, nothing, nonsense, and dies."""

import asyncio
import ssl

import pytest

from tests.e2e.stand.client import Client, Neighbour
from tests.e2e.stand.deployment import listener, route, until, upstream
from tests.e2e.stand.service import response

CHECKS = "flatproxy_filter_ext_authz_checks_total"


async def doorman(conversation):
    """Knows ann by her token; sends strangers to the login; is slow where the path says so."""
    while request := await conversation.request():
        if "/slow" in request.path:
            await asyncio.sleep(30)
        if request.values("authorization") == ["Bearer ann"]:
            await conversation.send(response(b"", "200 OK", "x-user: ann", "set-cookie: mine=1"))
        else:
            await conversation.send(
                response(b"who are you\n", "401 Unauthorized", "www-authenticate: Bearer")
            )


@pytest.fixture
def guarded(deploy, service):
    """Starts a FlatProxy that asks `authz` about the paths under /in, and about others nobody."""

    def begin(authz, scheme="http", **options):
        # By name, which is what a certificate of the stand is for.
        url = f"{scheme}://localhost:{authz.port}/check"
        filters = [{"use": "ext_authz", "options": {"url": url, "upstream_headers": ["x-user"], **options}}]
        routes = (route("guarded", match={"path": {"prefix": "/in"}}, filters=filters), route("open"))
        return deploy(workers=1, listeners=[listener(*routes)], upstreams=[upstream(service.address)])

    return begin


def ask(proxy, path="/in", *lines):
    with Client(proxy.address()) as client:
        return client.get(path, *lines)


def test_the_service_decides_and_tells_the_upstream_who_it_is(guarded, serve, service):
    authz = serve(doorman)
    proxy = guarded(authz, headers=["authorization"])
    assert ask(proxy, "/in/x?a=1", "authorization: Bearer ann").status == 200
    assert authz.requests[0].path == "/check/in/x?a=1"
    assert service.requests[0].values("x-user") == ["ann"]
    refused = ask(proxy)
    assert (refused.status, refused.body) == (401, b"who are you\n")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert len(service.requests) == 1, "who is refused never reaches the service"
    assert proxy.metric(CHECKS, result="allowed") == 1
    assert proxy.metric(CHECKS, result="refused") == 1
    assert proxy.metric("flatproxy_filter_ext_authz_check_seconds_count") == 2
    line = proxy.program.event("filter", filter="ext_authz", message="refuse")
    assert line["fields"]["status"] == 401


def test_a_client_cannot_say_what_only_the_service_may(guarded, serve, service):
    proxy = guarded(serve(doorman), headers=["authorization"])
    lies = ("x-user: root", "X-USER: admin", "X_User: root")
    assert ask(proxy, "/in", "authorization: Bearer ann", *lies).status == 200
    assert service.requests[0].values("x-user") == ["ann"], "in no spelling"
    assert ask(proxy, "/in", *lies).status == 401


def test_lies_are_dropped_where_nobody_answers_and_all_come_in(guarded, serve, service):
    authz = serve(doorman)
    proxy = guarded(authz, unanswered="allow")
    authz.refuse()
    assert ask(proxy, "/in", "x-user: root", "x_user: root").status == 200
    assert service.requests[0].values("x-user") == []


def test_a_service_that_dies_costs_its_routes_only_and_is_asked_again_when_it_is_back(guarded, serve):
    authz = serve(doorman)
    proxy = guarded(authz, circuit={"failures": 3, "pause": "200ms"})
    ann = "authorization: Bearer ann"
    assert ask(proxy, "/in", ann).status == 200
    authz.refuse()
    answers = [ask(proxy, "/in", ann) for _ in range(5)]
    assert [(answer.status, answer.flag) for answer in answers] == [(503, "DENY")] * 5
    assert answers[0].headers["retry-after"] == "1"
    assert proxy.metric(CHECKS, result="unanswered") >= 3
    assert proxy.program.event("filter", message="the service is left alone")["fields"] == {"seconds": 0.2}
    assert ask(proxy, "/out").status == 200, "other routes do not notice"
    authz.listen()
    until(lambda: ask(proxy, "/in", ann).status == 200, "the service is back, and should be asked again")
    assert proxy.metric("flatproxy_filter_ext_authz_circuit_open") == 0


def test_a_slow_service_holds_up_nobody_else(guarded, serve):
    proxy = guarded(serve(doorman), timeout="300ms", circuit={"failures": 1000})
    with Neighbour(proxy.address(), path="/out", pause=0.01), Client(proxy.address()) as other:
        slow = [Client(proxy.address()) for _ in range(20)]
        for client in slow:
            client.send("GET /in/slow HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ann\r\n\r\n")
        assert other.get("/in", "authorization: Bearer ann").status == 200
        for client in slow:
            assert client.response().status == 503
            client.close()
    assert proxy.metric(CHECKS, result="unanswered") == 20


def test_nonsense_is_no_yes(guarded, serve, service):
    async def nonsense(conversation):
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\nx-user: a\x00b\r\ncontent-length: 0\r\n\r\n")

    proxy = guarded(serve(nonsense))
    assert ask(proxy).status == 503
    assert not service.requests


def test_over_tls_the_service_and_we_know_each_other(guarded, serve, mesh, tmp_path):
    good = mesh.issue("authz", dns=("localhost",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(good.cert, good.key)
    context.load_verify_locations(mesh.folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    own = mesh.issue("own")
    authz = serve(doorman, tls=context)
    proxy = guarded(
        authz,
        "https",
        ca=str(mesh.folder / "ca.pem"),
        certificate=own.pair,
        timeout="900ms",
        headers="authorization",
    )
    assert ask(proxy, "/in", "authorization: Bearer ann").status == 200


def test_a_service_that_nobody_vouches_for_is_not_asked(guarded, serve, mesh):
    good = mesh.issue("authz", dns=("localhost",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(good.cert, good.key)
    authz = serve(doorman, tls=context)
    proxy = guarded(authz, "https", timeout="900ms")
    assert ask(proxy, "/in", "authorization: Bearer ann").status == 503
    assert not authz.requests
    error = proxy.program.event("filter", message="no answer")["fields"]["error"]
    assert "CERTIFICATE_VERIFY_FAILED" in error
