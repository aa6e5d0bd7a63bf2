"""Services that fail in every way: the right answer in time, a cut body seen as cut, nothing done twice."""

import asyncio
import collections
import random
import socket
import subprocess
import threading
import time
import uuid
from contextlib import ExitStack

import httpx
import pytest

from tests.e2e.stand.client import Client, Cut
from tests.e2e.stand.deployment import Deployment, listener, route, until, upstream
from tests.e2e.stand.service import Service, response

LIMIT_SECONDS = 1
SLACK_SECONDS = 5  # for a machine that does many other things


def once(*parts):
    """A request is answered with these parts; a number is a pause, `None` a reset. Then the connection ends."""

    async def behave(conversation):
        if not await conversation.request():
            return
        for part in parts:
            if part is None:
                conversation.reset()
            elif isinstance(part, bytes):
                await conversation.send(part)
            else:
                await asyncio.sleep(part)

    return behave


def trickle(data, pause):
    return once(*[part for byte in data for part in (bytes((byte,)), pause)])


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
TWO_LENGTHS = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"
FOREVER = 30.0

# What the service does, what the client is told.
BEFORE_THE_RESPONSE = {
    "closes": (once(), 502, "UPSTREAM_RESET"),
    "resets": (once(None), 502, "UPSTREAM_RESET"),
    "closes in its head": (once(HEAD[:20]), 502, "UPSTREAM_RESET"),
    "resets in its head": (once(HEAD[:20], 0.05, None), 502, "UPSTREAM_RESET"),
    "is silent": (once(FOREVER), 504, "TIMEOUT"),
    "is silent in its head": (once(HEAD[:20], FOREVER), 504, "TIMEOUT"),
    "trickles its head": (trickle(HEAD * 9, 0.1), 504, "TIMEOUT"),
    "talks nonsense": (once(b"220 smtp.example ESMTP\r\n\r\n"), 502, "UPSTREAM_PROTOCOL"),
    "sends an endless head": (once(b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 50000), 502, "UPSTREAM_PROTOCOL"),
    "sends two lengths": (once(TWO_LENGTHS), 502, "UPSTREAM_PROTOCOL"),
}
WITHIN_THE_RESPONSE = {
    "closes in its body": once(HEAD + b"12345"),
    "resets in its body": once(HEAD + b"12345", 0.05, None),
    "is silent in its body": once(HEAD + b"12345", FOREVER),
    "trickles its body": once(HEAD, *[part for _ in range(9) for part in (b"1", 0.7)]),
    "closes in a chunk": once(CHUNKS + b"a\r\n12345"),
    "closes between chunks": once(CHUNKS + b"5\r\n12345\r\n"),
    "lies about a chunk": once(CHUNKS + b"5\r\n1234567\r\n0\r\n\r\n"),
    "resets in a body until the close": once(b"HTTP/1.1 200 OK\r\n\r\n12345", 0.05, None),
}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """With a service, and a route to it, for each way to fail."""
    behaviours = {what: behaviour for what, (behaviour, *_) in BEFORE_THE_RESPONSE.items()}
    behaviours |= WITHIN_THE_RESPONSE
    with ExitStack() as running:
        services = {what: running.enter_context(Service(behaviour)) for what, behaviour in behaviours.items()}
        paths = {what: f"/{at}" for at, what in enumerate(services)}
        deployment = running.enter_context(
            Deployment(
                tmp_path_factory.mktemp("proxy"),
                limits={"stall_timeout": LIMIT_SECONDS},
                listeners=[listener(*[to(path) for path in paths.values()])],
                upstreams=[
                    upstream(service.address, name=f"u{paths[what][1:]}")
                    for what, service in services.items()
                ],
            )
        )
        deployment.paths, deployment.services = paths, services
        yield deployment.ready()


def to(path):
    return route(f"r{path[1:]}", f"u{path[1:]}", match={"path": {"exact": path}}, timeout=2 * LIMIT_SECONDS)


@pytest.mark.parametrize("what", BEFORE_THE_RESPONSE)
def test_the_client_is_told_of_a_service_that(what, proxy):
    _, status, flag = BEFORE_THE_RESPONSE[what]
    began = time.monotonic()
    with Client(proxy.address()) as client:
        told = client.get(proxy.paths[what], method="POST", body=b"pay")
    assert (told.status, told.flag) == (status, flag)
    assert time.monotonic() - began < 2 * LIMIT_SECONDS + SLACK_SECONDS
    assert len(proxy.services[what].requests) == 1, "what may have been done is not asked for again"


@pytest.mark.parametrize("what", WITHIN_THE_RESPONSE)
def test_a_real_client_sees_the_cut_when_a_service(what, proxy):
    began = time.monotonic()
    url = f"http://{proxy.addresses['web']}{proxy.paths[what]}"
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        httpx.get(url, timeout=20, trust_env=False)
    assert time.monotonic() - began < 2 * LIMIT_SECONDS + SLACK_SECONDS


@pytest.mark.needs("curl")
@pytest.mark.parametrize(
    "what", ["closes in its body", "closes in a chunk", "resets in a body until the close"]
)
def test_curl_sees_the_cut_when_a_service(what, proxy):
    url = f"http://{proxy.addresses['web']}{proxy.paths[what]}"
    done = subprocess.run(
        ["curl", "--silent", "--noproxy", "*", url], capture_output=True, timeout=30, check=False
    )
    assert done.returncode in {18, 56}, f"curl should say that it was cut: {done.returncode} {done.stdout}"


# === connections that cannot be made ===


@pytest.fixture
def black_hole():
    """An address where the handshake of TCP is never finished: its queue is full."""
    with ExitStack() as held:
        hole = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(hole.getsockname())
        yield "{}:{}".format(*hole.getsockname())


def test_a_service_that_refuses_or_swallows_connections_is_told_in_time(deploy, free_port, black_hole):
    paths = {name: {"path": {"exact": f"/{name}"}} for name in ("refused", "swallowed")}
    proxy = deploy(
        listeners=[listener(*[route(name, name, match=match) for name, match in paths.items()])],
        upstreams=[
            upstream(f"127.0.0.1:{free_port}", name="refused"),
            upstream(black_hole, name="swallowed", connect_timeout=LIMIT_SECONDS),
        ],
    )
    with Client(proxy.address()) as client:
        refused = client.get("/refused")
        began = time.monotonic()
        swallowed = client.get("/swallowed")
        took = time.monotonic() - began
    assert (refused.status, refused.flag) == (502, "CONNECT")
    assert (swallowed.status, swallowed.flag) == (504, "CONNECT_TIMEOUT")
    assert took < 1.9 * LIMIT_SECONDS, "one time-out is what was configured, not a multiple"


# === nothing is done twice, nothing is mixed up ===


async def unreliable(conversation):
    """Forgets connections at the worst moments: before, within and after its answers."""
    while request := await conversation.request():
        fate = random.random()
        answer = response(request.values("x-number")[0].encode())
        if 0.1 < fate < 0.2:
            conversation.reset()
        elif 0.2 < fate < 0.3:
            await conversation.send(answer[: random.randrange(1, len(answer))])
        elif fate > 0.3:
            await conversation.send(answer)
        if fate < 0.5:
            return


def test_what_is_not_idempotent_is_never_done_twice_and_nobody_gets_an_answer_to_another(deploy, serve):
    random.seed(9112)
    services = [serve(unreliable), serve(unreliable)]
    proxy = deploy(listeners=[listener()], upstreams=[upstream(*[service.address for service in services])])
    answered, wrong = [], []

    def shop():
        for _ in range(100):
            try:
                with Client(proxy.address()) as client:
                    for _ in range(3):
                        number = uuid.uuid4().hex
                        told = client.get("/pay", f"x-number: {number}", method="POST", body=b"1 euro")
                        if told.status == 200:
                            answered.append(number)
                            wrong.extend([told] if told.body.decode() != number else [])
            except Cut:
                continue

    shoppers = [threading.Thread(target=shop) for _ in range(4)]
    for shopper in shoppers:
        shopper.start()
    for shopper in shoppers:
        shopper.join()
    paid = collections.Counter(request.values("x-number")[0] for it in services for request in it.requests)
    assert not wrong, f"these are answers to another request: {wrong[:3]}"
    assert answered, "some should have been answered"
    assert not [number for number, times in paid.items() if times > 1], "nothing may be paid twice"
    assert set(answered) <= set(paid), "what was answered was done"


async def says_more(conversation):
    """A second response, unasked, behind the first."""
    while await conversation.request():
        await conversation.send(response(b"first") + response(b"poison"))


def test_what_a_service_says_unasked_reaches_nobody(deploy, serve):
    service = serve(says_more)
    proxy = deploy(listeners=[listener()], upstreams=[upstream(service.address)])
    for _ in range(20):
        with Client(proxy.address()) as client:
            assert {client.get().body for _ in range(3)} == {b"first"}


# === loops ===


@pytest.mark.parametrize("via", ["flatproxy", None], ids=["with Via", "without"])
def test_a_proxy_that_points_at_itself_is_cut(via, deploy, free_port):
    """By `Via` after 16 rounds; where that is switched off, by the limit on requests."""
    address = f"127.0.0.1:{free_port}"
    proxy = deploy(
        listeners=[listener(listen=address, forwarded={"via": via})],
        upstreams=[upstream(address, max_requests=64)],
    )
    with Client(proxy.address()) as client:
        told = client.get()
    assert (told.status, told.flag) == ((508, None) if via else (503, None)), "our flag does not pass a proxy"
    most = 17 if via else 66
    ends = until(lambda: [it for it in proxy.exchanges() if it["flag"]], "the end should be written down")
    assert ends[0]["flag"] == ("LOOP" if via else "OVERLOAD")
    assert len(proxy.exchanges()) <= most
