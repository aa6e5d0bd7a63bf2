"""Clients that take and do not give, by the thousand: all others are served, and what was taken comes back."""

import asyncio
import contextlib
import resource

import pytest

from tests.e2e.stand.client import Client, Neighbour
from tests.e2e.stand.crowd import HERE, Crowd, alive, answered, born
from tests.e2e.stand.deployment import listener, route, until, upstream
from tests.e2e.stand.service import response

pytestmark = pytest.mark.timeout(120)

CROWD = 1000
LIMIT_SECONDS = 2
PIPELINED = 10_000
NEIGHBOURS = 6  # connections to the service at most, when only the neighbour is there
PATIENCE_SECONDS = (
    50  # what a thousand take may be slow to come where two of them share a core with the proxy
)
PAGE = bytes(64 * 1024)
LARGE_PAGES = 256  # more than the buffers of the system take: up to 4 MiB a socket


async def shop(conversation):
    """Answers as large as they were asked for."""
    while request := await conversation.request():
        match request.path.split("/")[1]:
            case "large":
                await conversation.send(
                    b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (LARGE_PAGES * len(PAGE))
                )
                for _ in range(LARGE_PAGES):
                    await conversation.send(PAGE)
            case "page":
                await conversation.send(response(PAGE))
            case _:
                await conversation.send(response())


@pytest.fixture
def service(serve):
    return serve(shop)


@pytest.fixture
def limits():
    """A client that is late with its head is no matter here: where it is, that test says so."""
    return {"stall_timeout": LIMIT_SECONDS}


@pytest.fixture
def proxy(deploy, service, limits):
    other = route("other", "other", match={"path": {"exact": "/other"}})
    here = route("here", None, match={"path": {"exact": HERE}}, respond={"status": 200})
    return deploy(
        limits=limits,
        # The service may take its time: it is one thread for a thousand.
        listeners=[listener(route(timeout=PATIENCE_SECONDS), other, here)],
        upstreams=[upstream(service.address), {"name": "other", "endpoints": [service.address]}],
    )


def cut(proxy):
    """How many were cut because they did not read."""
    return proxy.metric("flatproxy_flagged_requests_total", flag="CLIENT_GONE")


# === slow by the thousand ===


async def slow_head(member):
    """A byte now and then, until it is answered or thrown out."""
    async with asyncio.TaskGroup() as both:
        answer = both.create_task(member.rest())
        with contextlib.suppress(ConnectionError):
            for byte in b"GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: " + b"a" * 100:
                await member.send(bytes((byte,)))
                if (await asyncio.wait([answer], timeout=LIMIT_SECONDS / 5))[0]:
                    break
    return answered(answer.result())


async def slow_body(member):
    """Says that much will follow, and lets a little of it follow."""
    await member.send(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n" + b"a" * 100)
    return answered(await member.rest())


async def never_reads(member):
    """Asks for much and takes nothing of it."""
    await member.send(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n")
    await asyncio.sleep(3600)


async def crawls(member):
    """Asks for much and takes a little of it now and then, for longer than a stall may last."""
    await member.send(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n")
    for _ in range(8):
        assert await member.receive(1024), "slow is not stalled"
        await asyncio.sleep(LIMIT_SECONDS / 4)
    return "served"


@pytest.mark.parametrize("limits", [{"head_timeout": LIMIT_SECONDS}], ids=["impatient"])
def test_a_thousand_slow_heads_are_cut_in_time(proxy):
    with alive(proxy), Crowd(proxy.address(), CROWD, slow_head) as crowd:
        crowd.gathered()
        assert crowd.through(PATIENCE_SECONDS) == {"408": CROWD}, "each should be told that it took too long"
    assert proxy.metric("flatproxy_flagged_requests_total", flag="HEAD_TIMEOUT") == CROWD


def test_a_thousand_slow_bodies_are_cut_in_time(proxy, service):
    with alive(proxy), Crowd(proxy.address(), CROWD, slow_body) as crowd:
        crowd.gathered()
        assert crowd.through(PATIENCE_SECONDS) == {"408": CROWD}, "each should be told that it took too long"
    assert proxy.metric("flatproxy_flagged_requests_total", flag="BODY_TIMEOUT") == CROWD
    until(lambda: service.open <= NEIGHBOURS, "the service should be let go with them")


def test_a_thousand_who_do_not_read_are_cut_in_time(proxy, service):
    with alive(proxy), Crowd(proxy.address(), CROWD, never_reads, receive_buffer=4096):
        until(
            lambda: cut(proxy) >= CROWD, "who reads nothing should be cut after the limit", PATIENCE_SECONDS
        )
        until(lambda: service.open <= NEIGHBOURS, "the service should be let go with them")


def test_a_thousand_who_read_slowly_hold_little(proxy, service):
    with alive(proxy):
        with Crowd(proxy.address(), CROWD, crawls, receive_buffer=4096) as crowd:
            assert crowd.through(PATIENCE_SECONDS) == {"served": CROWD}, (
                "who is slow but steady should not be cut"
            )
        until(lambda: service.open <= NEIGHBOURS, "the service should be let go with them")


# === too much ===


async def too_large(member):
    """A head beyond every limit, as fast as it goes."""
    try:
        await member.send(b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x-large: %b\r\n" % (b"a" * 8000) * 20)
    except ConnectionError:
        return answered(await member.rest()) or "431"
    return answered(await member.rest()) or "431"


def test_heads_that_are_too_large_are_refused_by_the_hundred(proxy):
    with alive(proxy), Crowd(proxy.address(), CROWD // 2, too_large) as crowd:
        assert crowd.through(PATIENCE_SECONDS) == {"431": CROWD // 2}
    assert proxy.metric("flatproxy_flagged_requests_total", flag="HEAD_TOO_LARGE") == CROWD // 2


async def pipelines(member):
    """Ten thousand requests in one go; of the answers nothing is read."""
    request = b"GET /page/%d HTTP/1.1\r\nhost: localhost\r\n\r\n"
    await member.send(b"".join(request % number for number in range(PIPELINED)))
    await asyncio.sleep(3600)


def test_ten_thousand_requests_whose_answers_nobody_reads_are_not_done(proxy, service):
    """As many are as fit in the buffers of the system; then reading stops, and in the end it is cut."""
    clients = 10
    with alive(proxy), Crowd(proxy.address(), clients, pipelines, receive_buffer=4096):
        until(lambda: cut(proxy) >= clients, "who reads nothing should be cut after the limit")
        done = sum(request.path.startswith("/page") for request in service.requests)
        assert done < clients * PIPELINED / 10, f"{done} were done of which nobody reads the answer"


# === no descriptor left ===


async def stays(member):
    await member.rest()
    return "closed"


@pytest.fixture
def kept(proxy):
    """Clients that have been served, so that there is a connection to the service, too."""
    with contextlib.ExitStack() as open_:
        clients = [open_.enter_context(Client(proxy.address())) for _ in range(8)]
        assert [client.get().status for client in clients] == [200] * 8
        yield clients


def fill(proxy):
    """No more descriptors than this for the proxy from now on; what it has open stays so."""
    most = proxy.descriptors() + 40
    resource.prlimit(proxy.proxy_pid, resource.RLIMIT_NOFILE, (most, most))
    return lambda: proxy.descriptors() >= most


def test_a_flood_of_connections_to_the_last_descriptor_costs_nothing_and_passes(proxy, kept):
    with Neighbour(proxy.address(), newcomer=False) as neighbour:
        assert proxy.connections(), "the admin address is open, too"
        before, began = proxy.descriptors(), born(proxy)
        full = fill(proxy)
        with Crowd(proxy.address(), 400, stays) as flood:
            flood.gathered()
            until(full, "the flood should take every descriptor")
            spent, asked = proxy.cpu_seconds(), neighbour.answered
            until(
                lambda: neighbour.failures or neighbour.answered >= asked + 20, "who is connected is served"
            )
            spent = proxy.cpu_seconds() - spent
            assert spent < 0.5, f"there is nothing to do but {spent} s of processor time were spent in 2 s"
            assert {client.get().status for client in kept} == {200}, "who is connected should be served"
            shed = kept[0].get("/other")
            assert (shed.status, shed.flag) == (503, "OVERLOAD"), (
                "for a new connection to a service there is no room"
            )
        until(
            lambda: proxy.descriptors() <= before + NEIGHBOURS,
            "the descriptors of the flood should be given back",
        )
    with Client(proxy.address()) as newcomer:
        assert [newcomer.get(path).status for path in ("/", "/other")] == [200, 200], "all is well again"
    assert proxy.metric("flatproxy_upstream_changes_total", change="ejected") == 0, "no service is to blame"
    assert born(proxy) == began, "the proxy process should have lived through it"
