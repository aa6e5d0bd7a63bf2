"""The filter `retry` on a route, over real sockets, with services that fail in every way it mends."""

import asyncio
import contextlib

import pytest

from tests.e2e.stand.client import Client
from tests.e2e.stand.deployment import listener, route, until, upstream
from tests.e2e.stand.service import response, sends

ASKED = 20
AGAIN = 2


def deployment(deploy, services, options=None, **more):
    """One data thread, and a route with `retry` to these services."""
    filters = [{"use": "retry", "options": {"back_off": {"base": 0}, **(options or {})}}]
    return deploy(
        workers=1,
        listeners=[listener(route(filters=filters, **more))],
        upstreams=[upstream(*(service.address for service in services))],
    )


async def resets(conversation):
    """Hangs up on every request."""
    await conversation.request()


async def never_answers(conversation):
    while await conversation.request():
        await conversation.ended()


busy = sends(response(b"busy", "503 Service Unavailable", "retry-after: 0"))


@pytest.mark.parametrize("failing", [busy, resets, never_answers], ids=["503", "reset", "silence"])
def test_a_service_that_fails_costs_the_client_nothing_while_another_is_well(deploy, serve, failing):
    bad, good = serve(failing), serve()
    proxy = deployment(deploy, [bad, good], {"timeout": "100ms"})
    with Client(proxy.address()) as client:
        statuses = [client.get("/").status for _ in range(10)]
    assert statuses == [200] * 10
    assert len(good.requests) == 10, "each should be answered by the service that is well"
    assert len(bad.requests) in (5, 6), "both are asked in turn, and no failed one asked twice"
    written = until(
        lambda: len(lines := proxy.exchanges()) == 10 and lines, "each exchange should be written down"
    )
    assert {line["attempts"] for line in written} == {1, 2}
    assert proxy.metric("flatproxy_filter_retry_retries_total") == len(bad.requests)


def test_a_body_is_sent_again_whole_where_the_method_may_be_repeated(deploy, serve):
    bad, good = serve(resets), serve()
    proxy = deployment(deploy, [bad, good], {"also": ["POST"]})
    body = bytes(range(256)) * 1000
    with Client(proxy.address()) as client:
        assert [client.get("/pay", method="POST", body=body).status for _ in range(4)] == [200] * 4
    assert {request.body for request in good.requests} == {body}
    assert len(bad.requests) >= 2


def test_a_post_is_done_once(deploy, serve):
    bad, good = serve(resets), serve()
    proxy = deployment(deploy, [bad, good])
    with Client(proxy.address()) as client:
        answers = [client.get("/pay", method="POST", body=b"1") for _ in range(4)]
    failed = [answer.flag for answer in answers if answer.status != 200]
    assert failed == ["UPSTREAM_RESET"] * len(bad.requests), "each that met the bad service should say so"
    assert len(bad.requests) + len(good.requests) == 4, "nobody should be asked twice"


def test_a_service_that_is_gone_is_left_for_another(deploy, serve):
    gone, good = serve(), serve()
    proxy = deployment(deploy, [gone, good])
    gone.refuse()
    with Client(proxy.address()) as client:
        assert [client.get("/pay", method="POST").status for _ in range(6)] == [200] * 6


def test_the_routes_time_bounds_all_tries_together(deploy, serve):
    proxy = deployment(deploy, [serve(never_answers)], {"timeout": "100ms", "attempts": 16}, timeout="450ms")
    with Client(proxy.address()) as client:
        answer = client.get("/")
    assert (answer.status, answer.flag) == (504, "TIMEOUT")
    [line] = until(proxy.exchanges, "the exchange should be written down")
    assert 2 <= line["attempts"] <= 5


def test_a_slow_service_gets_company(deploy, serve):
    slow, quick = serve(never_answers), serve()
    proxy = deployment(deploy, [slow, quick], {"hedge_after": "50ms"})
    with Client(proxy.address()) as client:
        assert [client.get("/").status for _ in range(6)] == [200] * 6
    assert len(slow.requests) == 3, "each second one should begin there"
    until(lambda: slow.open == 0, "who was slower should be let go")
    assert proxy.metric("flatproxy_filter_retry_retries_total", reason="slow") == 3


def test_an_upstream_that_fails_for_everybody_is_not_stormed(deploy, serve):
    """All fail at the same moment. As many as the budget has are tried again at once, the others get their reply."""
    held = []
    failing, ending = asyncio.Event(), asyncio.Event()

    async def fails_together(conversation):
        while await conversation.request():
            held.append(conversation)
            if len(held) <= ASKED:
                await failing.wait()
                await conversation.send(response(b"busy", "503 Service Unavailable"))
            else:
                await ending.wait()
                await conversation.send(response(b"late"))

    service = serve(fails_together)
    proxy = deployment(deploy, [service], {"budget": {"share": 0, "least": AGAIN}})
    with contextlib.ExitStack() as open_:
        clients = [open_.enter_context(Client(proxy.address())) for _ in range(ASKED)]
        for client in clients:
            client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        until(lambda: len(held) == ASKED, "the service should be asked by all")
        service._loop.call_soon_threadsafe(failing.set)
        until(lambda: len(held) == ASKED + AGAIN, "the budget should be used")
        metric = "flatproxy_filter_retry_given_up_total"
        until(lambda: proxy.metric(metric, why="budget") == ASKED - AGAIN, "the others should be refused")
        service._loop.call_soon_threadsafe(ending.set)
        bodies = sorted(client.response().body for client in clients)
    assert bodies == [b"busy"] * (ASKED - AGAIN) + [b"late"] * AGAIN
    assert len(service.requests) == ASKED + AGAIN, "no more should reach the service"
