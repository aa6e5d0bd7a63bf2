"""Filters that fail: all are counted, the first of a kind is told with its trace, the others now and then."""

import json

import pytest

from flatproxy import Filter
from flatproxy.core.filters.failures import AGAIN_SECONDS, Failures
from flatproxy.core.filters.interrupt import PhaseTimeoutError


class Broken(Filter):
    name = "test.broken"


@pytest.fixture
def note(capfd):
    """Notes an error that was raised here, and gives the lines that were told of it."""
    failures = Failures()

    def noted(error, now):
        try:
            raise error
        except type(error) as raised:
            sentence = failures.note(Broken(None), "on_request", raised, now)
        lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        return sentence, lines, failures.metrics()

    return noted


def test_the_first_is_told_with_its_trace(note):
    sentence, [line], _ = note(ValueError("no way"), now=0.0)
    assert sentence == "on_request: ValueError: no way"
    assert (line["filter"], line["message"]) == ("test.broken", sentence)
    assert "raise error" in line["trace"], "the author should see where it was"


def test_more_of_a_kind_are_told_once_a_minute_with_their_number(note):
    for now in (0.0, 1.0, 2.0):
        told = note(ValueError("no way"), now)[1]
    assert told == [], "the same again tells nothing new"
    [line] = note(ValueError("no way"), AGAIN_SECONDS)[1]
    assert (line["times_since"], "trace" in line) == (3, False)


def test_every_failure_is_counted(note):
    for now in range(5):
        metrics = note(ValueError("no way"), float(now))[2]
    line = 'flatproxy_filter_failures_total{filter="test.broken",phase="on_request",reason="ValueError"} 5'
    assert line in metrics.splitlines()


def test_a_time_out_needs_no_name_of_a_class(note):
    assert note(PhaseTimeoutError("not done within 1 s"), 0.0)[0] == "on_request: not done within 1 s"


def test_what_never_failed_takes_no_line():
    assert Failures().metrics() == ""
