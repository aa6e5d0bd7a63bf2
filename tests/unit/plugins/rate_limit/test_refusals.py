"""Refusals that are remembered: for how long, how many, and what is told meanwhile."""

import pytest

from flatproxy.plugins.rate_limit.refusals import LONGEST_SECONDS, MOST, Refusals


def test_until_a_token_is_back_the_answer_is_known():
    refusals = Refusals(rate=2)
    refusals.add("k", 0.5, now=10.0)
    assert refusals.missing("k", 10.1) == pytest.approx(0.3)
    assert refusals.missing("k", 10.25) == 0, "a token may be there"
    assert refusals.missing("other", 10.1) == 0


def test_a_long_wait_is_told_whole_but_not_believed_for_long():
    refusals = Refusals(rate=1 / 60)
    refusals.add("k", 1.0, now=10.0)
    assert refusals.missing("k", 10.5) * 60 == pytest.approx(59.5), "for Retry-After"
    assert refusals.missing("k", 10.0 + LONGEST_SECONDS) == 0


def test_they_are_bounded():
    refusals = Refusals(rate=1)
    for number in range(MOST + 5):
        refusals.add(number, 1.0, now=10.0)
    assert len(refusals._known) == MOST
    assert refusals.missing(4, 10.0) == 0, "the oldest went"
    assert refusals.missing(MOST + 4, 10.0) == 1
