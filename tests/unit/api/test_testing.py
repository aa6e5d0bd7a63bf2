"""`drive`: an author's test runs the real chain, with everything around it scripted."""

import asyncio
import contextlib
import gc
import weakref

import pytest
from pydantic import ValidationError

from flatproxy import Close, Exchange, Filter, Options, Respond, Retry
from flatproxy.api.testing import Fails, Peer, Reply, Request, drive


class Guard(Filter):
    name = "test.guard"

    class Options(Options):
        secret: str = "x"

    def open(self, host):
        self.denied = host.metrics.counter("denied_total", "Denied.")

    def on_connect(self, exchange: Exchange):
        return None if exchange.peer.secure else Close()

    def on_request(self, exchange: Exchange):
        if exchange.request.headers.get("x-secret") == self.options.secret:
            exchange.request.headers["x-known"] = exchange.peer.identity or "nobody"
            return None
        self.denied.add()
        exchange.log.info("denied", path=exchange.request.path)
        return Respond(403, "no")


class Loud(Filter):
    name = "test.loud"

    def on_request_body(self, exchange: Exchange, chunk: bytes, last: bool):
        return chunk.upper()

    def on_response_body(self, exchange: Exchange, chunk: bytes, last: bool):
        return chunk + b"!" if last else None

    def on_response(self, exchange: Exchange):
        exchange.response.headers["x-loud"] = "\udcff"


class Stubborn(Filter):
    name = "test.stubborn"

    def on_failure(self, exchange: Exchange, failure):
        assert exchange.now == 5.0 + (exchange.attempt.number - 1) * 0.5
        return Retry(0.5) if exchange.attempt.number < 3 else None


class Slow(Filter):
    name = "test.slow"

    async def on_request(self, exchange: Exchange):
        await asyncio.sleep(0 if exchange.request.path == "/quick" else 60)
        exchange.request.headers["x-slow"] = "done"


def test_a_filter_answers_logs_and_counts():
    done = drive(Guard, request="/secret", options={"secret": "y"})
    assert (done.response.status, done.response.body, done.flag) == (403, b"no", "DENY")
    assert not done.attempts, "the upstream is not asked"
    assert [(line.message, line.fields) for line in done.log] == [("denied", {"path": "/secret"})]
    assert 'flatproxy_filter_test_guard_denied_total{listener="test",route="test"} 1' in done.metrics


def test_what_a_filter_writes_goes_to_the_upstream():
    done = drive(Guard, request=Request("/", headers={"x-secret": "x"}), peer="spiffe://a/b")
    assert done.response.status == 200
    assert done.attempts[0].header("x-known") == "spiffe://a/b"


def test_a_connection_can_be_closed():
    done = drive(Guard, peer=Peer(secure=False))
    assert (done.closed, done.response.status, done.flag) == (True, 0, "DENY")


def test_bodies_go_through_in_pieces_and_bytes_survive():
    done = drive(Loud, request=Request(method="POST", body=[b"a", b"b"]), upstream=Reply(body=[b"c", b"d"]))
    assert (done.attempts[0].body, done.response.body) == (b"AB", b"cd!")
    assert done.response.header("x-loud") == "\udcff", "bytes that are no UTF-8 survive both ways"


def test_failed_attempts_are_scripted_and_nobody_sleeps():
    done = drive(Stubborn, upstream=[Fails("CONNECT"), Fails("UPSTREAM_RESET"), Reply(201)], now=5.0)
    assert (done.response.status, len(done.attempts), done.waited) == (201, 3, 1.0)
    done = drive(Stubborn, upstream=Fails("CONNECT"), now=5.0)
    assert (done.response.status, done.flag, len(done.attempts)) == (502, "CONNECT", 3)


def test_phases_that_wait_are_waited_for_until_their_time_is_up():
    assert drive(Slow, request="/quick").attempts[0].header("x-slow") == "done"
    done = drive(Slow, timeout=0.05)
    assert (done.response.status, done.flag) == (503, "FILTER")
    assert "not done in time" in done.detail
    assert drive(Slow, timeout=0.05, fail="open").response.status == 200


def test_wrong_options_are_said_before_anything_runs():
    with pytest.raises(ValidationError, match="secrt"):
        drive(Guard, options={"secrt": "y"})


class Circle:
    """Holds the exchange that holds it."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange, self.headers = exchange, exchange.request.headers

    def __del__(self) -> None:
        """Look at an exchange that is over, at the worst moment."""
        with contextlib.suppress(RuntimeError):
            len(self.headers)


class Holder(Filter):
    name = "test.holder"
    seen: list[weakref.ref[Circle]]

    def open(self, host):
        self.seen = []

    def on_request(self, exchange: Exchange):
        exchange.state = Circle(exchange)
        exchange.shared[Circle] = exchange.state
        self.seen.append(weakref.ref(exchange.state))


def test_a_state_that_holds_its_exchange_is_let_go():
    seen = [drive(Holder).filters[0].seen[0] for _ in range(10)]
    gc.collect()
    left = [circle for circle in seen if circle() is not None]
    assert len(left) <= 1, "at most the last exchange waits for its thread to come by again"


def test_an_exchange_that_is_kept_says_that_it_is_over():
    kept = []

    class Keeper(Filter):
        name = "test.keeper"

        def on_request(self, exchange: Exchange):
            kept.append((exchange, exchange.request.headers))

    drive(Keeper)
    exchange, headers = kept[0]
    with pytest.raises(RuntimeError, match="during a phase only"):
        headers.get("host")
    with pytest.raises(RuntimeError, match="during a phase only"):
        _ = exchange.peer


class Remembers(Filter):
    name = "test.remembers"

    def open(self, host):
        self.left = []

    def on_request(self, exchange: Exchange):
        exchange.state = "inside"
        exchange.shared[str] = "told"

    def on_done(self, exchange: Exchange):
        self.left.append((exchange.state, exchange.shared.get(str)))


def test_a_phase_that_is_given_up_costs_the_other_filters_nothing_that_they_stored():
    for fail in ("open", "closed"):
        done = drive(Remembers, Slow, timeout=0.05, fail=fail)
        assert done.filters[0].left == [("inside", "told")], (
            f"with `fail: {fail}`, on_done should find its state"
        )
