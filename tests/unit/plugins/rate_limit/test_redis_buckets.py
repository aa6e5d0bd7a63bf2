"""Buckets in a real Redis: shared by nodes, and what becomes of requests when it is gone, silent, new or not ours."""

import asyncio
import collections
import time

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flatproxy.plugins.rate_limit.filter import RateLimit
from flatproxy.plugins.rate_limit.options import RateLimitOptions
from flatproxy.plugins.rate_limit.redis_buckets import SCRIPT
from tests.e2e.stand.certificates import Authority
from tests.unit.plugins.rate_limit.redis_server import RedisServer
from tests.unit.plugins.stand_ins import Told, exchange

pytestmark = pytest.mark.needs("redis-server")
CART = "spiffe://demo.mesh/shop/cart"


class Clock:
    """The nodes' own; that of Redis goes by itself."""

    def __init__(self):
        self.now = 100.0


class Nodes:
    """Filters of several nodes, on one loop, closed with it."""

    def __init__(self):
        self.clock = Clock()
        self.made = []
        self.runner = asyncio.Runner()

    def add(self, url, redis=(), **given):
        usual = {"per_hour": 1, "burst": 5}
        options = {**usual, **given, "redis": {"url": url, "timeout": "5s", **dict(redis)}}
        node = RateLimit(RateLimitOptions.model_validate(options))
        node.told = Told()
        node.told.now = lambda: self.clock.now
        node.open(node.told)
        self.made.append(node)
        return node

    def ask(self, node, count=1, **more):
        """The statuses of so many requests at once; 200: let in."""

        async def one():
            asked = exchange(told=node.told, **more)
            asked.now = self.clock.now
            answer = await node.on_request(asked)
            return answer.status if answer else 200

        async def together():
            return await asyncio.gather(*(one() for _ in range(count)))

        return collections.Counter(self.runner.run(together()))

    def close(self):
        for node in self.made:
            node.close()
        self.runner.run(self._quiet())
        self.runner.close()

    async def _quiet(self):
        await asyncio.sleep(0)
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)


@pytest.fixture
def nodes():
    made = Nodes()
    yield made
    made.close()


@pytest.fixture
def server(tmp_path, free_port):
    with RedisServer(tmp_path, free_port) as running:
        yield running


def amount(node, name, *labels):
    return node.told.counters[name].amounts.get(labels, 0)


def test_two_nodes_share_one_budget(nodes, server):
    first, second = nodes.add(server.url, key="peer"), nodes.add(f"unix://{server.socket}", key="peer")
    assert nodes.ask(first, 3, identity=CART) == {200: 3}
    assert nodes.ask(second, 4, identity=CART) == {200: 2, 429: 2}
    assert nodes.ask(first, identity=CART) == {429: 1}
    assert nodes.ask(first, identity="spiffe://demo.mesh/other") == {200: 1}, "each key has its own"


def test_many_at_once_are_given_exactly_the_burst(nodes, server):
    both = [nodes.add(server.url, burst=50, redis={"connections": 8}) for _ in range(2)]
    let_in = sum((nodes.ask(node, 100) for node in both), collections.Counter())
    assert let_in == {200: 50, 429: 150}


def test_tokens_come_back_by_the_clock_of_redis_within_1_percent(nodes, server):
    rate, capacity, seconds = 300, 200, 0.5
    node = nodes.add(server.url, per_hour=None, per_second=rate, burst=capacity)
    node.told.now = time.monotonic

    async def for_a_while():
        begin = time.monotonic()
        given = await node._redis.take("k") >= 0
        began, asked, left = time.monotonic(), 0.0, 0.0
        # Until one is refused that was asked late enough: then all that there was is taken.
        while left >= 0 or asked < began + seconds:
            asked = time.monotonic()
            left = await node._redis.take("k")
            given += left >= 0
        return given, asked - began, time.monotonic() - begin

    given, least, most = nodes.runner.run(for_a_while())
    assert 0.99 * (capacity + rate * least) <= given <= 1.01 * (capacity + rate * most)


def server_time(server):
    seconds, micro = server.ask("TIME")
    return int(seconds) + int(micro) / 1e6


def test_who_is_refused_is_told_when_to_come_again(nodes, server):
    node = nodes.add(server.url, per_hour=None, per_minute=6, burst=1)
    nodes.ask(node)
    left = nodes.runner.run(node._redis.take(None))
    assert -1 <= left < -0.8
    answer = node._fields.refusal(left)
    assert dict(answer.headers)[b"retry-after"] in (b"9", b"10")


def test_what_is_kept_goes_by_itself_and_tells_nothing(nodes, server):
    node = nodes.add(server.url, per_hour=3600, burst=10, key={"header": "x-api-key"})
    nodes.ask(node, 3)
    asked = exchange("GET", "/", ("x-api-key", "sesame"), told=node.told)
    nodes.runner.run(node.on_request(asked))
    names = server.ask("KEYS", "*")
    assert len(names) == 2
    for name in names:
        assert name.startswith(b"flatproxy:web:all:default:")
        assert b"sesame" not in name
        assert 0 < server.ask("PTTL", name) <= 3000 + 1000, (
            "it is gone when the bucket is full, a second later"
        )


def test_a_clock_of_redis_that_was_set_back_stops_nobody_for_long(nodes, server):
    node = nodes.add(server.url, per_hour=3600, burst=2)
    nodes.ask(node, 2)
    [name] = server.ask("KEYS", "*")
    server.ask("SET", name, f"0.000000 {(server_time(server) + 86400) * 1e6:.0f}")
    assert nodes.ask(node) == {429: 1}
    _, since = server.ask("GET", name).split()
    assert int(since) < (server_time(server) + 1) * 1e6, "it counts on from where the clock is now"


def test_a_redis_that_forgot_its_scripts_is_told_again(nodes, server):
    node = nodes.add(server.url)
    assert nodes.ask(node) == {200: 1}
    server.ask("SCRIPT", "FLUSH")
    assert nodes.ask(node, 5) == {200: 4, 429: 1}
    assert amount(node, "redis_failures_total") == 0


def test_a_flood_of_who_was_refused_is_none_for_redis(nodes, server):
    node = nodes.add(server.url, per_hour=60, burst=1, key="peer")
    assert nodes.ask(node, 2, identity=CART) == {200: 1, 429: 1}
    before = asked_of(server)
    assert nodes.ask(node, 50, identity=CART) == {429: 50}
    assert asked_of(server) == before
    assert nodes.ask(node, identity="spiffe://demo.mesh/other") == {200: 1}
    server.ask("FLUSHALL")
    nodes.clock.now += 1
    assert nodes.ask(node, identity=CART) == {200: 1}, "an emptied Redis is believed a second later"


def asked_of(server):
    return server.ask("INFO", "commandstats")["cmdstat_evalsha"]["calls"]


@given(
    rate=st.integers(1, 1000),
    capacity=st.integers(1, 100),
    kept=st.floats(-0.001, 100),
    age=st.floats(0, 100),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_the_script_counts_as_the_buckets_in_memory_do(server, rate, capacity, kept, age):
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        kept = min(kept, capacity)
        client.set("k", f"{kept:.6f} {(server_time(server) - age) * 1e6:.0f}")
        left = client.eval(SCRIPT, 1, "k", repr(float(rate)), capacity) / 1e6
    expected = min(capacity, kept + age * rate) - 1
    # The clock of Redis went on while it was asked.
    assert expected - 0.01 <= left <= min(capacity - 1, expected + 0.5 * rate)


# === trouble ===


@pytest.mark.parametrize(
    ("fail", "answers", "decisions"),
    [
        ("open", {200: 20}, {("uncounted",): 20}),
        ("closed", {503: 20}, {("refuse",): 20}),
        ("local", {200: 5, 429: 15}, {("allow",): 5, ("limit",): 15}),
    ],
)
def test_without_redis_the_operator_decides(nodes, free_port, fail, answers, decisions):
    node = nodes.add(f"redis://127.0.0.1:{free_port}", redis={"fail": fail, "failures": 3})
    assert nodes.ask(node, 20) == answers, "every request is answered"
    assert node._decisions.amounts == decisions
    assert amount(node, "redis_circuit_open") == 1
    assert amount(node, "redis_circuit_openings_total") == 1


def test_a_redis_that_is_gone_is_left_alone_and_taken_back(nodes, server):
    node = nodes.add(server.url, redis={"failures": 2, "pause": "10s"})
    assert nodes.ask(node, 3) == {200: 3}
    server.kill()
    assert nodes.ask(node, 7) == {200: 5, 429: 2}, "what is counted here begins with a full bucket"
    failed = amount(node, "redis_failures_total", "connection")
    assert failed >= 2
    nodes.clock.now += 9
    assert nodes.ask(node, 3) == {429: 3}
    assert amount(node, "redis_failures_total", "connection") == failed, "nobody asks while it is left alone"
    server.start()
    assert nodes.ask(node, 1) == {429: 1}, "the pause is not over"
    nodes.clock.now += 1
    assert nodes.ask(node, 1) == {200: 1}, "one tries, and it counts for all nodes again"
    other = nodes.add(server.url)
    assert nodes.ask(other, 10) == {200: 4, 429: 6}
    assert amount(node, "redis_circuit_open") == 0
    assert [line for line, _ in node.told.lines if line != "limit"] == [
        "redis is left alone",
        "redis answers again",
    ]


def test_a_redis_that_never_answers_costs_a_time_out_and_then_nothing(nodes, server):
    node = nodes.add(server.url, redis={"timeout": "50ms", "failures": 4, "fail": "open"})
    assert nodes.ask(node) == {200: 1}
    server.stop()
    assert nodes.ask(node, 40) == {200: 40}
    assert amount(node, "redis_failures_total", "timeout") >= 4
    counted = dict(node.told.counters["redis_failures_total"].amounts)
    assert nodes.ask(node, 40) == {200: 40}
    assert node.told.counters["redis_failures_total"].amounts == counted, "nobody waits for it any more"
    server.go_on()
    server.ask("PING")
    nodes.clock.now += 5
    assert nodes.ask(node) == {200: 1}
    assert amount(node, "redis_circuit_open") == 0
    assert sum(nodes.ask(node, 20).values()) == 20


def test_a_late_answer_is_nobody_elses(nodes, server):
    """A connection that was given up has answers on their way: the next request must not take them for its own."""
    node = nodes.add(
        server.url, burst=1, redis={"timeout": "50ms", "failures": 1000, "fail": "closed"}, key="path"
    )
    assert nodes.ask(node, path="/drained") == {200: 1}
    server.stop()
    assert nodes.ask(node, 20, path="/drained") == {503: 20}
    server.go_on()
    server.ask("PING")
    for number in range(30):
        assert nodes.ask(node, path=f"/{number}") == {200: 1}, "the answer 'refused' was for another key"


def test_who_hangs_up_does_not_open_the_circuit(nodes, server):
    node = nodes.add(server.url, redis={"failures": 1})
    assert nodes.ask(node) == {200: 1}
    server.stop()

    async def hang_up():
        asked = asyncio.ensure_future(node._redis.take("k"))
        await asyncio.sleep(0.02)
        asked.cancel()
        return await asyncio.gather(asked, return_exceptions=True)

    [gone] = nodes.runner.run(hang_up())
    server.go_on()
    assert isinstance(gone, asyncio.CancelledError)
    assert amount(node, "redis_circuit_open") == 0
    assert nodes.ask(node) == {200: 1}


def test_something_else_behind_the_name_of_a_bucket_is_a_failure_and_no_crash(nodes, server):
    node = nodes.add(server.url, redis={"fail": "closed"})
    nodes.ask(node)
    [name] = server.ask("KEYS", "*")
    for broken in (("SET", name, "nonsense"), ("LPUSH", name, "x")):
        server.ask("DEL", name)
        server.ask(*broken)
        assert nodes.ask(node) == {503: 1}
    assert amount(node, "redis_failures_total", "answer") == 2


# === secrets ===


def test_a_password_is_used_and_never_told(nodes, tmp_path, free_port):
    (tmp_path / "password").write_text("sesame\n")
    with RedisServer(tmp_path, free_port, password="sesame") as server:
        good = nodes.add(server.url, redis={"password_file": tmp_path / "password", "failures": 1})
        also = nodes.add(f"redis://:sesame@127.0.0.1:{server.port}/0")
        bad = nodes.add(f"redis://:mellon@127.0.0.1:{server.port}/0", redis={"failures": 1, "fail": "closed"})
        assert nodes.ask(good) == nodes.ask(also) == {200: 1}
        assert nodes.ask(bad) == {503: 1}
        assert bad.told.lines[0][0] == "redis is left alone"
        assert bad.told.lines[0][1]["redis"] == f"redis://127.0.0.1:{server.port}"
        server.kill()
        nodes.ask(good)
        said = str([node.told.lines for node in nodes.made])
        assert "sesame" not in said
        assert "mellon" not in said


def test_a_redis_behind_tls_is_known_by_its_certificate(nodes, tmp_path, free_port):
    ours, others = Authority(), Authority("others")
    files = ours.issue(tmp_path, "redis", uris=(), dns=("localhost",))
    tls = ("--tls-port", str(free_port), "--tls-cert-file", str(files.cert), "--tls-key-file", str(files.key))
    with RedisServer(tmp_path, 0, *tls, "--tls-auth-clients", "no"):
        url = f"rediss://localhost:{free_port}/0"
        known = nodes.add(url, redis={"ca": ours.write(tmp_path, "ours.pem")})
        unknown = nodes.add(url, redis={"ca": others.write(tmp_path, "others.pem"), "fail": "closed"})
        assert nodes.ask(known, 6) == {200: 5, 429: 1}
        assert nodes.ask(unknown) == {503: 1}
        assert amount(unknown, "redis_failures_total", "connection") == 1


@pytest.mark.parametrize(("content", "error"), [(None, OSError), ("\n", ValueError)])
def test_a_password_file_that_is_not_good_refuses_the_plan(nodes, tmp_path, content, error):
    if content is not None:
        (tmp_path / "password").write_text(content)
    with pytest.raises(error):
        nodes.add("redis://127.0.0.1:1", redis={"password_file": tmp_path / "password"})
    assert nodes.made == []
