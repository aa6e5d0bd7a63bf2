"""Loads that are made of several."""

from bench.cell import until
from bench.loads import Outcome


def outcome(**fields):
    plain = {
        "completed": 10,
        "seconds": 1.0,
        "bytes": 610,
        "errors": 0,
        "p50_us": 5,
        "p99_us": 9,
        "p999_us": 9,
    }
    return Outcome(**(plain | fields))


def test_two_loads_after_each_other_are_one_with_the_worse_latencies():
    both = outcome(first_error="reset", errors=1) + outcome(completed=30, seconds=2.0, p99_us=20)
    assert (both.completed, both.seconds, both.errors, both.first_error) == (40, 3.0, 1, "reset")
    assert (both.p50_us, both.p99_us) == (5, 20)


def test_a_count_goes_on_until_so_many_are_done():
    slices, pauses = iter([outcome(), outcome(), outcome(), outcome()]), []
    done = until(25, lambda: next(slices), lambda: pauses.append("log emptied"))
    assert (done.completed, done.seconds) == (30, 3.0)
    assert len(pauses) == 2, "between slices, neither before the first nor after the last"


def test_a_count_ends_with_the_first_failure():
    slices = iter([outcome(), outcome(errors=1)])
    assert until(25, lambda: next(slices), lambda: None).errors == 1, "what failed is not asked again"
