"""Sixty seconds of everything at once: nobody but those who are hit by a kill notices, and nothing is left behind."""

import contextlib
import itertools
import random
import signal
import threading
import time

import pytest

from tests.e2e.stand.certificates import Mesh
from tests.e2e.stand.client import Client, Cut, Neighbour, member
from tests.e2e.stand.crowd import Crowd, born, gives_back
from tests.e2e.stand.deployment import listener, route, until, upstream
from tests.e2e.stand.manners import aborts, dawdles

SECONDS = 60
WARM_UP_SECONDS = 8
# What a kill may cost those who are asking just then.
HIT = {"UPSTREAM_RESET", "CONNECT", "NO_ENDPOINT"}
LARGE = "/steady/large"
PART = bytes(64 * 1024)


class Actor:
    """Does something over and over on a thread of its own; what goes wrong there ends the test."""

    def __init__(self, turn, pause=0.0):
        self._turn, self._pause = turn, pause
        self.turns, self.error = 0, None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._act, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _act(self):
        try:
            while not self._stopping.wait(self._pause):
                self._turn()
                self.turns += 1
        except BaseException as error:  # noqa: BLE001  raised again where the test sees it
            self.error = error


# === services ===


async def shop(conversation):
    """Small answers and a large one."""
    while request := await conversation.request():
        if not request.path.startswith(LARGE):
            await conversation.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            continue
        await conversation.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(64):
            await conversation.send(b"10000\r\n" + PART + b"\r\n")
        await conversation.send(b"0\r\n\r\n")


class Town:
    """The configuration, whose parts come and go, and the services behind it."""

    def __init__(self, serve, mesh):
        self.steady, self.shaky = [serve(shop) for _ in range(2)], [serve(shop) for _ in range(2)]
        self._mesh = mesh

    def config(self, turn=0):
        """Never the same twice in a row: a listener more or less, another route, one that is refused."""
        to_shaky = {"path": {"prefix": "/shaky"}}
        routes = [route("steady", "steady"), route("shaky", "shaky", match=to_shaky)]
        if turn % 2:
            routes.append(route("extra", "steady", match={"path": {"prefix": f"/extra/{turn % 5}"}}))
        listeners = [
            listener(*routes),
            listener(*routes, name="tls", listen="127.0.0.2:0", tls={"mode": "simple"}),
            listener(*routes, name="mtls", listen="127.0.0.5:0", tls={"mode": "mutual"}),
        ]
        if turn % 3:
            listeners.append(
                listener(route("all", "steady"), name="extra", listen=f"127.0.0.{5 + turn % 3}:0")
            )
        limits = {"head_timeout": "1s", "stall_timeout": "2s"}
        config = {"identity": self._mesh.identity, "listeners": listeners, "limits": limits}
        config["upstreams"] = [
            upstream(*[service.address for service in self.steady], name="steady", idle_timeout="1s"),
            upstream(*[service.address for service in self.shaky], name="shaky", idle_timeout="1s"),
        ]
        return {**config, "nonsense": True} if turn % 7 == 6 else config


# === actors ===


def reloader(proxy, town):
    turns = itertools.count(1)

    def turn():
        proxy.configure(**town.config(number := next(turns)))
        proxy.program.signal(signal.SIGHUP)
        proxy.program.event("plan_refused" if number % 7 == 6 else "reloaded")

    return Actor(turn, 0.25)


def rotator(mesh):
    def turn():
        Mesh(mesh.folder, mesh.authority).issue(
            "proxy", uris=("spiffe://demo.mesh/proxy",), dns=("localhost",)
        )

    return Actor(turn, 3.0)


def killer(town):
    victims = itertools.cycle(town.shaky)

    def turn():
        victim = next(victims)
        victim.refuse()
        time.sleep(0.5)
        victim.listen()

    return Actor(turn, 0.5)


class Shopper:
    """Asks the shaky service. What it may get is an answer, or that of the proxy for a service that was killed."""

    def __init__(self, proxy):
        self._address = proxy.address()
        self.answered, self.failed = 0, set()

    def __call__(self):
        try:
            with Client(self._address) as client:
                for _ in range(5):
                    told = client.get("/shaky")
                    self.answered += told.status == 200
                    self.failed |= {told.flag or str(told.status)} - (
                        {"200"} if told.status == 200 else set()
                    )
        except Cut as cut:
            self.failed.add(repr(cut))


def crowds(addresses, size, manner):
    """One crowd after the other, each at the next address."""
    address = itertools.cycle(addresses)

    def turn():
        with Crowd(next(address), size, manner, receive_buffer=4096) as crowd:
            crowd.through()

    return Actor(turn)


# === the test ===


@pytest.mark.soak
@pytest.mark.timeout(SECONDS * 4)
def test_a_minute_of_everything_leaves_nothing_behind(deploy, serve, mesh):
    random.seed(60)
    town = Town(serve, mesh)
    proxy = deploy(**town.config())
    trusted, shopper = member(mesh.folder / "ca.pem", mesh.issue("shop")), Shopper(proxy)
    plain, tls, mtls = [proxy.address(name) for name in ("web", "tls", "mtls")]
    assert proxy.connections() == 0, "nobody should be there yet"
    began, descriptors = born(proxy), proxy.descriptors()
    with contextlib.ExitStack() as stage:
        neighbours = [stage.enter_context(Neighbour(plain, "/steady", pause=0.02)) for _ in range(2)]
        neighbours += [
            stage.enter_context(Neighbour(at, "/steady", trusted, pause=0.05)) for at in (tls, mtls)
        ]
        played = [reloader(proxy, town), rotator(mesh), killer(town), Actor(shopper, 0.01)]
        played += [crowds((plain, tls, mtls), 50, aborts), crowds((plain,), 50, dawdles)]
        for actor in played:
            stage.enter_context(actor)
        goes_well(neighbours, played, WARM_UP_SECONDS)
        memory = proxy.memory()
        goes_well(neighbours, played, SECONDS - WARM_UP_SECONDS)
    assert all(actor.turns > 3 for actor in played), f"all should have played: {[it.turns for it in played]}"
    assert shopper.answered > 10 * len(shopper.failed), "the shaky service should have been of use"
    assert shopper.failed <= HIT, f"a kill costs nothing else than that: {shopper.failed}"
    assert born(proxy) == began, "the proxy process should have lived through it"
    comes_to_rest(proxy, town, memory, descriptors)


def goes_well(neighbours, played, seconds):
    """For so long, or until somebody is dissatisfied: the test need not go on then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not any(it.error for it in played):
        for neighbour in neighbours:
            assert not neighbour.failures, (
                f"a good neighbour should get every answer: {neighbour.failures[:5]}"
            )
        time.sleep(0.1)


def comes_to_rest(proxy, town, memory, descriptors):
    """What was there before is there, and nothing else."""
    proxy.configure(**town.config())
    assert proxy.reload()[0] == 0
    until(lambda: proxy.connections() == 0, "no client's connection should be left")
    for name in ("flatproxy_connections_active", "flatproxy_upstream_connections_active"):
        until(lambda name=name: proxy.metric(name) == 0, f"{name} should be 0, it is {proxy.metric(name)}")
    until(
        lambda: proxy.descriptors() <= descriptors,
        f"of {descriptors} descriptors there are {proxy.descriptors()}",
    )
    gives_back(proxy, memory)
