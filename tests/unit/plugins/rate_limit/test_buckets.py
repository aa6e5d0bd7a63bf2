"""Buckets in memory: how many they give, to how many threads, and how many of them there are."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flatproxy.core.filters.metrics import FilterMetrics, render
from flatproxy.plugins.rate_limit.buckets import SLACK, Bookkeeping, ManyBuckets, OneBucket
from tests.unit.plugins.stand_ins import Told


def one(rate, capacity):
    return OneBucket(rate, capacity)


def many(rate, capacity, most=1000, told=None):
    return ManyBuckets(rate, capacity, most, Bookkeeping.declare(told or Told()))


@pytest.fixture(params=[one, many])
def kind(request):
    """Both kinds are one arithmetic."""
    return request.param


def taken(bucket, *moments, key="k"):
    """How many of those that ask at these moments are given a token."""
    return sum(bucket.take(key, now) >= 0 for now in moments)


def test_a_burst_is_given_at_once_and_then_as_many_as_come_back(kind):
    bucket = kind(10, 20)
    assert taken(bucket, *[5.0] * 50) == 20
    assert taken(bucket, *[5.05] * 5) == 0, "half a token is none"
    assert taken(bucket, *[5.1] * 5) == 1
    assert taken(bucket, *[6.1] * 50) == 10
    assert taken(bucket, *[1000.0] * 50) == 20, "it is never more than full"


def test_what_is_left_and_what_is_missing_are_told(kind):
    bucket = kind(2, 3)
    assert [bucket.take("k", 1.0) for _ in range(3)] == [2, 1, 0]
    assert bucket.take("k", 1.0) == pytest.approx(-1)
    assert bucket.take("k", 1.25) == pytest.approx(-0.5)
    assert bucket.take("k", 2.0) == pytest.approx(1), "who was refused has taken nothing"


def test_the_last_of_a_large_burst_is_given_however_long_the_machine_runs(kind):
    for now in (0.0, 1e5 / 3, 1e7 / 3, 3e8 / 7):
        assert taken(kind(1e6 / 3, 5000), *[now] * 6000) == 5000


def test_a_clock_of_another_thread_that_is_a_little_behind_gives_nothing_away(kind):
    bucket = kind(10, 5)
    assert taken(bucket, *[2.0] * 9, *[1.9] * 9) == 5
    assert taken(bucket, *[2.1] * 9) == 1


STEPS = st.lists(st.one_of(st.just(0.0), st.floats(0, 3), st.floats(0, 0.01)), min_size=1, max_size=200)


@given(rate=st.floats(0.0003, 1e6), capacity=st.integers(1, 50), steps=STEPS, start=st.floats(0, 1e6))
@pytest.mark.parametrize("kind", [one, many])
def test_in_no_window_are_more_given_than_the_burst_and_what_came_back(kind, rate, capacity, steps, start):
    bucket = kind(rate, capacity)
    now, given_at = start, []
    for step in steps:
        now += step
        left = bucket.take("k", now)
        assert left <= capacity - 1, "never more than full"
        assert left >= -1 - 2 * SLACK, "never more missing than the one that was asked for"
        if left >= 0:
            given_at.append(now)
    for first, begin in enumerate(given_at):
        for last in range(first, len(given_at)):
            most = capacity + rate * (given_at[last] - begin) + 2 * SLACK + 1e-9 * rate * now
            assert last - first + 1 <= most


@given(rate=st.floats(0.0003, 1e6), capacity=st.integers(1, 50), asked=st.integers(0, 100))
@pytest.mark.parametrize("kind", [one, many])
def test_a_bucket_fills_up_and_gives_its_whole_burst_again(kind, rate, capacity, asked):
    bucket = kind(rate, capacity)
    taken(bucket, *[10.0] * asked)
    later = 10.0 + capacity / rate
    assert taken(bucket, *[later] * (capacity + 10)) == capacity


@given(rate=st.floats(1, 1e5), capacity=st.integers(1, 50))
@pytest.mark.parametrize("kind", [one, many])
def test_who_waits_as_long_as_told_is_given_one(kind, rate, capacity):
    bucket = kind(rate, capacity)
    taken(bucket, *[10.0] * capacity)
    missing = -bucket.take("k", 10.0)
    assert bucket.take("k", 10.0 + missing / rate) >= 0


def hammer(threads, work):
    """Run it in so many threads that begin together; returns what each gave."""
    results, ready = [], threading.Barrier(threads)

    def run():
        ready.wait()
        results.append(work())

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return results


def test_threads_together_are_given_exactly_the_burst(kind):
    bucket = kind(1, 4000)
    given = hammer(4, lambda: taken(bucket, *[7.0] * 2000))
    assert sum(given) == 4000, "each token is given once"


def test_threads_together_are_given_what_the_clock_says_within_1_percent(kind):
    rate, capacity = 4000, 1000
    bucket = kind(rate, capacity)

    def for_a_while():
        first = drained = last = time.monotonic()
        given = 0
        while last < first + 0.4:
            if bucket.take("k", last) >= 0:
                given += 1
            else:
                drained = last
            last = time.monotonic()
        return given, first, drained, last

    given, first, drained, last = zip(*hammer(4, for_a_while), strict=True)
    # Who is refused proves that all was taken by then; whoever was late to begin or to end took nothing meanwhile.
    least, most = max(drained) - max(first), max(last) - min(first)
    assert 0.99 * (capacity + rate * least) <= sum(given) <= 1.01 * (capacity + rate * most)


# === many keys ===


def test_each_key_has_a_bucket_of_its_own():
    buckets = many(1, 2)
    for key in ("a", None, ("a", None)):
        assert taken(buckets, *[1.0] * 5, key=key) == 2


def test_the_oldest_is_forgotten_when_there_are_too_many():
    told = Told()
    buckets = many(1, 2, most=3, told=told)
    for key in "abc":
        taken(buckets, 1.0, 1.0, key=key)
    assert taken(buckets, 1.0, key="a") == 0, "asking keeps it from being the oldest, even in vain"
    assert taken(buckets, 1.0, key="d") == 1
    assert list(buckets._full_at) == ["c", "a", "d"]
    assert taken(buckets, 1.0, key="a") == 0, "who was not forgotten stays refused"
    assert told.counters["evictions_total"].amounts == {(): 1}
    assert told.counters["keys"].amounts == {(): 3}


def test_full_buckets_go_by_themselves():
    """No key leaves anything behind for longer than its bucket takes to fill, as long as others come."""
    told = Told()
    buckets = many(1, 2, told=told)
    for number in range(100):
        taken(buckets, 1.0, key=number)
    for number in range(60):
        taken(buckets, 5.0, key=f"later {number}")
    assert len(buckets._full_at) == 60
    assert told.counters["keys"].amounts == {(): 60}
    assert not told.counters["evictions_total"].amounts, "nothing was lost"


def test_a_million_keys_take_the_memory_of_those_that_are_kept():
    metrics = FilterMetrics("flatproxy_filter_rate_limit_", ("web", "all"))
    buckets = ManyBuckets(0.001, 1, 500, Bookkeeping.declare(metrics))
    for number in range(1_000_000):
        buckets.take(number, 1.0)
    assert len(buckets._full_at) == 500
    labels = '{listener="web",route="all"}'
    assert f"flatproxy_filter_rate_limit_evictions_total{labels} 999500" in render([metrics])
    assert f"flatproxy_filter_rate_limit_keys{labels} 500" in render([metrics])
