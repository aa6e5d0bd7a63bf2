"""How FlatProxy's own count of its crossings into Python is read, and what is made of it."""

import pytest

from bench.crossings import NotCountedError, count, fault


def test_crossings_are_added_over_all_labels():
    metrics = (
        "# TYPE flatproxy_python_crossings_total counter\n"
        'flatproxy_python_crossings_total{listener="a"} 2\n'
        'flatproxy_python_crossings_total{listener="b"} 40\n'
        "flatproxy_python_crossings_total_of_another 100\n"
    )
    assert count(metrics) == 42
    assert count("flatproxy_python_crossings_total 7\n") == 7


def test_a_core_that_does_not_count_is_refused_rather_than_believed():
    with pytest.raises(NotCountedError, match="flatproxy_python_crossings_total"):
        count("flatproxy_connections_total 1\n")


@pytest.mark.parametrize(
    ("crossed", "expected", "wrong"), [(0, False, False), (5, True, False), (1, False, True), (0, True, True)]
)
def test_a_cell_is_wrong_that_crosses_where_it_must_not_or_does_not_where_it_must(crossed, expected, wrong):
    assert bool(fault(crossed, expected=expected)) is wrong
