"""The filter `rate_limit` on a route: how many come through two data threads, reloads, and nodes that share a Redis."""

import threading
import time

import pytest

from tests.e2e.stand.client import Client, member
from tests.e2e.stand.deployment import Deployment, listener, route, until
from tests.unit.plugins.rate_limit.redis_server import RedisServer

DECIDED = "flatproxy_filter_rate_limit_decisions_total"
FAILED = "flatproxy_filter_rate_limit_redis_failures_total"
OPEN = "flatproxy_filter_rate_limit_redis_circuit_open"


def limited(options, **more):
    """A listener whose only route is answered by FlatProxy itself, unless there were too many."""
    filters = [{"use": "rate_limit", "options": options}]
    return listener(route(upstream=None, respond={"status": 200}, filters=filters), **more)


def ask(proxy, *lines, path="/", count=1, tls=None):
    """The statuses of so many requests on one connection."""
    with Client(proxy.address(), tls) as client:
        return [client.get(path, *lines).status for _ in range(count)]


def test_clients_together_get_the_burst_and_the_rate_within_1_percent(deploy):
    rate, burst = 400, 400
    proxy = deploy(listeners=[limited({"per_second": rate, "burst": burst})])
    records, ready, stop = [], threading.Barrier(4), threading.Event()

    def hammer():
        with Client(proxy.address()) as client:
            ready.wait()
            while not stop.is_set():
                sent = time.monotonic()
                status = client.get().status
                records.append((sent, time.monotonic(), status))

    clients = [threading.Thread(target=hammer) for _ in range(4)]
    for client in clients:
        client.start()
    until(lambda: sum(status == 200 for _, _, status in records) >= 1000, "1000 should be let in")
    stop.set()
    for client in clients:
        client.join()
    given = sum(status == 200 for _, _, status in records)
    begin, began = min(sent for sent, _, _ in records), min(told for _, told, _ in records)
    # Who is refused proves that all was taken by then: nothing is left but what came back since.
    drained = max(sent for sent, _, status in records if status == 429)
    end = max(told for _, told, _ in records)
    assert 0.99 * (burst + rate * (drained - began)) <= given <= 1.01 * (burst + rate * (end - begin))
    assert {status for _, _, status in records} == {200, 429}
    assert proxy.metric(DECIDED, decision="allow") == given
    assert proxy.metric(DECIDED, decision="limit") == len(records) - given


def test_who_is_refused_never_reaches_the_service_and_is_told_so(deploy, service):
    web = listener(route(filters=[{"use": "rate_limit", "options": {"per_minute": 1, "name": "orders"}}]))
    proxy = deploy(listeners=[web], upstreams=[{"name": "app", "endpoints": [service.address]}])
    assert ask(proxy) == [200]
    with Client(proxy.address()) as client:
        answer = client.get("/again")
    assert (answer.status, answer.body) == (429, b"too many requests\n")
    assert answer.headers["retry-after"] in ("59", "60")
    assert answer.headers["ratelimit"] == f'"orders";r=0;t={answer.headers["retry-after"]}'
    assert answer.headers["ratelimit-policy"] == '"orders";q=1;w=60;flatproxy-burst=1'
    assert len(service.requests) == 1
    line = proxy.program.event("filter", filter="rate_limit", message="limit")
    assert line["fields"] == {
        "limit": "orders",
        "requests": 1,
        "peer": None,
        "address": "127.0.0.1",
        "path": "/again",
    }


def test_peers_are_known_by_their_certificates(deploy, mesh):
    web = limited({"per_hour": 1, "burst": 2, "key": "peer"}, tls={"mode": "mutual"})
    proxy = deploy(listeners=[web], identity=mesh.identity)
    for name in ("cart", "pay"):
        tls = member(mesh.folder / "ca.pem", mesh.issue(name, uris=(f"spiffe://demo.mesh/{name}",)))
        assert ask(proxy, count=3, tls=tls) == [200, 200, 429]


def test_invented_keys_are_bounded_and_do_not_help_who_is_known(deploy):
    options = {"per_hour": 1, "burst": 1, "most_keys": 50, "key": {"header": "x-user"}}
    proxy = deploy(listeners=[limited(options)])
    with Client(proxy.address()) as client:
        for number in range(300):
            assert client.get("/", f"x-user: {number}").status == 200
        assert client.get("/", "x-user: 299").status == 429
    assert proxy.metric("flatproxy_filter_rate_limit_keys") == 50
    assert proxy.metric("flatproxy_filter_rate_limit_evictions_total") == 250


def test_what_is_left_is_told_with_every_response_where_asked_for(deploy, service):
    filters = [{"use": "rate_limit", "options": {"per_hour": 1, "burst": 3, "headers": "all"}}]
    proxy = deploy(
        listeners=[listener(route(filters=filters))],
        upstreams=[{"name": "app", "endpoints": [service.address]}],
    )
    with Client(proxy.address()) as client:
        told = [client.get().headers["ratelimit"] for _ in range(3)]
    assert [one.partition(";t=")[0] for one in told] == ['"default";r=2', '"default";r=1', '"default";r=0']


def test_a_reload_does_not_fill_the_bucket_and_new_numbers_do(deploy):
    options = {"per_hour": 1, "burst": 3}
    proxy = deploy(listeners=[limited(options)])
    assert ask(proxy, count=4) == [200, 200, 200, 429]
    more = listener(route("more", None, respond={"status": 200}), name="more", listen="127.0.0.2:0")
    proxy.configure(listeners=[limited(options), more])
    code, said = proxy.reload()
    assert code == 0, said
    assert ask(proxy) == [429], "the options are the same, so is the bucket"
    proxy.configure(listeners=[limited({"per_hour": 1, "burst": 4})])
    assert proxy.reload()[0] == 0
    assert ask(proxy, count=5) == [200, 200, 200, 200, 429]


# === Redis ===


@pytest.fixture
def server(tmp_path, free_port):
    with RedisServer(tmp_path, free_port) as running:
        yield running


def shared(server, **more):
    redis = {"url": server.url, "timeout": "100ms", "failures": 2, "pause": "100ms", **more}
    return limited({"per_hour": 1, "burst": 10, "redis": redis})


@pytest.mark.needs("redis-server")
def test_two_proxies_share_one_budget_and_each_goes_on_without_redis(deploy, tmp_path, server):
    first = deploy(listeners=[shared(server)])
    folder = tmp_path / "second"
    folder.mkdir()
    with Deployment(folder, listeners=[shared(server, fail="closed")]).ready() as second:
        assert ask(first, count=6) == [200] * 6
        assert ask(second, count=6) == [200] * 4 + [429] * 2
        server.kill()
        assert ask(first, count=12) == [200] * 10 + [429] * 2, "it counts for itself"
        until(lambda: ask(second) == [503], "who was refused is so for a second at most without asking")
        assert ask(second, count=3) == [503] * 3
        for proxy in (first, second):
            until(lambda proxy=proxy: ask(proxy) and proxy.metric(OPEN), "the circuit should be open")
            assert proxy.metric(FAILED, reason="connection") >= 2
        server.start()
        until(lambda: ask(second) == [200], "it counts in the new Redis soon")
        until(lambda: ask(first) and not first.metric(OPEN), "so does the other")
        until(lambda: ask(first) == ask(second) == [429], "10 for both")


@pytest.mark.needs("redis-server")
def test_a_redis_that_hangs_stalls_nobody(deploy, server):
    proxy = deploy(listeners=[shared(server, fail="open", pause="1h")])
    assert ask(proxy) == [200]
    server.stop()
    assert ask(proxy, count=50) == [200] * 50
    assert proxy.metric(FAILED, reason="timeout") == 2, "two waited for it, the others did not"
    assert proxy.metric(OPEN) == 1
    line = proxy.program.event("filter", message="redis is left alone")
    assert (line["level"], line["fields"]["why"]) == ("warning", "timeout")
    server.go_on()


@pytest.mark.needs("redis-server")
def test_connections_go_with_the_filter(deploy, server):
    proxy = deploy(listeners=[shared(server)], drain="100ms")
    assert ask(proxy) == [200]
    assert others(server), "the filter should be connected"
    proxy.configure(listeners=[limited({"per_hour": 1})], drain="100ms")
    assert proxy.reload()[0] == 0
    until(lambda: not others(server), "nothing should be left of the filter that is gone")
    assert ask(proxy, count=2) == [200, 429]


def others(server):
    """Who is connected by TCP; the test itself is not."""
    return [line for line in server.ask("CLIENT", "LIST").splitlines() if b" addr=127.0.0.1:" in line]
