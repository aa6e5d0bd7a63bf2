"""What a row must be true to besides its responses: FlatProxy's crossings into Python, and the spans that a collector got."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

from bench import collector, crossings
from bench.peers import Setup
from bench.results import Row
from bench.workloads import Cell

# A batch waits a second for others; then it is sent.
SPANS_PATIENCE = 4.0
# Of the spans that a share makes expect: how many may be missing, and how many times the deviation that chance makes.
SPANS_MISSING = 0.05
SPANS_DEVIATIONS = 4.0
# Where every request leaves a span, exporters drop what they cannot send: that is shown, and no fault.
MOST_CHECKED = 10


def row(make: Callable[[], Row], one: Cell, setup: Setup, *, ours: bool) -> Row:
    """The row that `make` makes, with what was counted elsewhere meanwhile; one that is not true to it does not count."""
    crossed = crossings.read(setup.admin) if ours and one.crosses is not None else 0
    got = collector.spans(setup.collector) if one.chain.sampled is not None else 0
    made = make()
    if ours and one.crosses is not None:
        count = crossings.read(setup.admin) - crossed
        made = _marked(replace(made, crossings=count), crossings.fault(count, expected=one.crosses))
    if one.chain.sampled is not None:
        spans = _arrived(setup.collector, got, made.completed * one.chain.sampled / 100)
        made = _marked(replace(made, spans=spans), spans_fault(spans, made.completed, one.chain.sampled))
    return made


def spans_fault(spans: int, completed: int, sampled: int) -> str:
    """What is wrong with so many spans of so many requests, of which so many percent should leave one; empty: nothing."""
    expected = completed * sampled / 100
    least = expected * (1 - SPANS_MISSING) - SPANS_DEVIATIONS * math.sqrt(expected)
    if sampled > MOST_CHECKED or spans >= least:
        return ""
    return f"{spans} spans have arrived of {expected:.0f}"


def _arrived(address: str, before: int, expected: float) -> int:
    """Spans since `before`, once all that are expected are there or time is up."""
    deadline = time.monotonic() + SPANS_PATIENCE
    while (spans := collector.spans(address) - before) < expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return spans


def _marked(row: Row, fault: str) -> Row:
    return replace(row, errors=row.errors + bool(fault), note=f"{row.note} {fault}".strip())
