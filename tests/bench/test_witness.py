"""Rows that are not true to what was counted elsewhere do not count."""

import pytest

from bench.witness import spans_fault


@pytest.mark.parametrize(
    ("spans", "completed", "sampled", "wrong"),
    [
        (1_000, 100_000, 1, False),
        (850, 100_000, 1, False),  # chance and the last batch
        (700, 100_000, 1, True),
        (0, 100_000, 1, True),
        (0, 100, 1, False),  # one was to be expected, and none is no wonder
        (4_000, 100_000, 100, False),  # no exporter keeps up, which the table shows
    ],
)
def test_a_row_is_wrong_whose_spans_have_not_arrived(spans, completed, sampled, wrong):
    assert bool(spans_fault(spans, completed, sampled)) is wrong
