"""A million requests of every kind, with clients who leave at every moment: nothing grows."""

import random
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import find_program
from tests.e2e.stand.crowd import Crowd, born, gives_back
from tests.e2e.stand.deployment import listener, route, until, upstream
from tests.e2e.stand.manners import aborts

MIX = Path(__file__).parent / "stand" / "mix.lua"
REQUESTS = 1_000_000
ROUND_SECONDS = 4
MOST_SECONDS = 40  # a slow machine sends fewer
ABORTING = 50


@pytest.fixture
def proxy(deploy, free_port):
    """Its service is its own second listener: nothing else on this machine is as fast."""
    app = f"127.0.0.2:{free_port}"
    routes = [
        route("forwarded", match={"path": {"prefix": "/"}}),
        route("here", None, match={"path": {"prefix": "/here"}}, respond={"status": 200, "body": "here"}),
        route("empty", None, match={"path": {"prefix": "/empty"}}, respond={"status": 200}),
        route("dead", "dead", match={"path": {"prefix": "/dead"}}),
    ]
    pages = route("pages", None, respond={"status": 200, "body": "page"})
    missing = route("missing", None, match={"path": {"prefix": "/missing"}}, respond={"status": 404})
    return deploy(
        limits={"head_timeout": "1s", "stall_timeout": "1s"},
        listeners=[listener(*routes), listener(pages, missing, name="app", listen=app)],
        upstreams=[upstream(app, idle_timeout="1s"), {"name": "dead", "endpoints": ["127.0.0.3:1"]}],
    )


def send_round(proxy):
    """Mixed requests for some seconds; the number of answers."""
    wrk = [str(find_program("wrk")), "-t1", "-c64", f"-d{ROUND_SECONDS}s", "-s", str(MIX)]
    sending = subprocess.Popen(
        [*wrk, "http://{}:{}".format(*proxy.address())], stdout=subprocess.PIPE, text=True
    )
    while sending.poll() is None:
        with Crowd(proxy.address(), ABORTING, aborts) as crowd:
            crowd.through()
    told = sending.communicate()[0]
    answered, bad, timeouts = map(int, re.search(r"answered=(\d+) bad=(\d+) timeouts=(\d+)", told).groups())
    assert timeouts == 0, f"every request should be answered: {told}"
    assert 0.1 < bad / answered < 0.3, f"the mix should be what it says: {told}"
    return answered


def at_rest(proxy):
    """Wait until nobody is connected; the number of descriptors."""
    until(lambda: proxy.connections() == 0, "no client's connection should be left")
    until(lambda: proxy.metric("flatproxy_upstream_connections_active") == 0, "nor one to a service")
    return proxy.descriptors()


@pytest.mark.needs("wrk")
@pytest.mark.timeout(4 * MOST_SECONDS)
def test_a_million_requests_of_every_kind_leave_memory_and_descriptors_as_they_were(proxy):
    random.seed(1_000_000)
    send_round(proxy)
    began, descriptors, memory = born(proxy), at_rest(proxy), proxy.memory()
    sent, deadline = 0, time.monotonic() + MOST_SECONDS
    while sent < REQUESTS and time.monotonic() < deadline:
        sent += send_round(proxy)
    assert at_rest(proxy) <= descriptors, f"after {sent} requests no descriptor should be open that was not"
    gives_back(proxy, memory)
    assert born(proxy) == began, "the proxy process should have lived through it"
