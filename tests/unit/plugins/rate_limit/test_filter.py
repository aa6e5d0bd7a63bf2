"""What a client is answered and told, and what is counted and logged."""

import inspect

import pytest

from flatproxy.api.testing import Peer, Request, drive
from flatproxy.plugins.rate_limit.filter import SECONDS_BETWEEN_LINES, RateLimit
from flatproxy.plugins.rate_limit.options import RateLimitOptions
from tests.unit.plugins.stand_ins import Fields, Told, exchange

CART = "spiffe://demo.mesh/shop/cart"


def limit(**given):
    usual = {} if "per_minute" in given else {"per_second": 10}
    made = RateLimit(RateLimitOptions.model_validate({**usual, **given}))
    made.open(Told())
    return made


def ask(made, now=1.0, told=None, **more):
    """The answer, or None for: carry on."""
    one = exchange(told=told, **more)
    one.now = now
    return made.on_request(one)


def told_to(answer):
    return {name.decode(): value.decode() for name, value in answer.headers}


def test_who_comes_too_often_is_told_when_to_come_again():
    made = limit(per_minute=6, burst=2)
    assert [ask(made), ask(made)] == [None, None]
    answer = ask(made)
    assert (answer.status, answer.body) == (429, b"too many requests\n")
    assert told_to(answer) == {
        "content-type": "text/plain; charset=utf-8",
        "retry-after": "10",
        "ratelimit-policy": '"default";q=6;w=60;flatproxy-burst=2',
        "ratelimit": '"default";r=0;t=10',
    }
    assert told_to(ask(made, now=7.5))["retry-after"] == "4", "3.5 seconds are rounded up"
    assert ask(made, now=11.0) is None


def test_less_than_a_second_is_a_second():
    made = limit(per_second=1000, burst=1)
    ask(made)
    assert told_to(ask(made))["retry-after"] == "1"


def test_status_and_headers_are_as_the_operator_says():
    made = limit(burst=1, status=503, headers="none", name="total")
    ask(made)
    answer = ask(made)
    assert (answer.status, set(told_to(answer))) == (503, {"content-type", "retry-after"})


def test_only_what_needs_it_is_asked_for():
    """Each phase is a crossing per request, and an `async def` a task on another thread."""
    assert limit().phases == {"on_request"}
    assert limit(headers="all").phases == {"on_request", "on_response"}
    assert not limit().on_request.__code__.co_flags & inspect.CO_COROUTINE
    redis = RateLimit(
        RateLimitOptions.model_validate({"per_second": 1, "redis": {"url": "redis://127.0.0.1:1"}})
    )
    assert redis.on_request.__code__.co_flags & inspect.CO_COROUTINE


def test_who_is_let_in_learns_how_many_are_left_where_asked_for():
    made = limit(per_minute=6, burst=3, headers="all")
    one = exchange(reply=Fields(("ratelimit", '"app";r=1')))
    for now, left, seconds in [(1.0, 2, 10), (1.0, 1, 10), (6.0, 0, 5)]:
        one.now, one.response.headers = now, Fields(("ratelimit", '"app";r=1'))
        assert made.on_request(one) is None
        made.on_response(one)
        assert one.response.headers.get_all("ratelimit") == [
            '"app";r=1',
            f'"default";r={left};t={seconds}',
        ], "a limit of the upstream's own stays"
    assert one.response.headers.get("ratelimit-policy") == '"default";q=6;w=60;flatproxy-burst=3'


def test_each_key_is_counted_for_itself():
    made = limit(burst=1, key=["peer", {"header": "x-user"}])
    for peer in (CART, None):
        assert ask(made, identity=peer) is None
        assert ask(made, identity=peer).status == 429


def test_a_dry_run_refuses_nobody_and_says_whom_it_would_have():
    made, told = limit(burst=1, dry_run=True, headers="all"), Told()
    assert [ask(made, told=told) for _ in range(3)] == [None] * 3
    assert made._decisions.amounts == {("allow",): 1, ("would_limit",): 2}
    assert [line for line, _ in told.lines] == ["would_limit"]


def test_a_flood_is_two_lines():
    made, told = limit(burst=1, key="peer"), Told()
    later = 1.0 + SECONDS_BETWEEN_LINES
    for now in [1.0] * 101 + [later] * 2:
        ask(made, now, told, identity=CART)
    where = {"peer": CART, "address": "192.0.2.7", "path": "/", "limit": "default"}
    assert told.lines == [("limit", {**where, "requests": 1}), ("limit", {**where, "requests": 100})]
    assert made._decisions.amounts == {("allow",): 2, ("limit",): 101}


# === on the chain that serves traffic ===


def test_an_instance_counts_over_exchanges_on_the_chain():
    made = RateLimit(RateLimitOptions.model_validate({"per_second": 1, "burst": 1, "key": "address"}))
    first = drive(made, now=1.0)
    assert (first.response.status, len(first.attempts)) == (200, 1)
    assert 'flatproxy_filter_rate_limit_decisions_total{listener="test",route="test",decision="allow"} 1' in (
        first.metrics
    )
    assert 'flatproxy_filter_rate_limit_keys{listener="test",route="test"} 1' in first.metrics


@pytest.mark.parametrize("key", ["peer", "address", "path", {"header": "x-user"}, ["peer", "path"]])
def test_two_of_them_on_a_chain_see_the_same_request(key):
    once = RateLimit(RateLimitOptions.model_validate({"per_second": 1, "burst": 1, "key": key, "name": "a"}))
    done = drive(
        once,
        once,
        request=Request("/v1", headers={"x-user": "me"}),
        peer=Peer(CART, "2001:db8::1"),
        now=1.0,
    )
    assert done.response.status == 429
    assert done.response.header("ratelimit") == '"a";r=0;t=1'
    assert not done.attempts, "nothing reaches the upstream"


def test_who_is_let_in_on_the_chain_is_told_what_is_left():
    done = drive(RateLimit, options={"per_second": 100, "burst": 20, "key": "peer", "headers": "all"})
    assert done.response.header("ratelimit-policy") == '"default";q=100;w=1;flatproxy-burst=20'
    assert done.response.header("ratelimit") == '"default";r=19;t=1'
