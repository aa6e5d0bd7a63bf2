"""Rows: which count, what is computed of them, and that a file keeps them."""

import pytest

from bench.results import Results, Writer


def test_a_row_with_an_error_does_not_count(row):
    assert row().valid
    assert not row(errors=1).valid, "one failed request makes the row worthless"
    assert not row(completed=0).valid, "nothing done is nothing measured"


def test_a_paced_row_counts_only_when_the_pace_was_kept(row):
    assert row(offered=100_000, completed=98_000).valid
    assert not row(offered=100_000, completed=97_999).valid


def test_costs_are_per_request_and_memory_per_connection(row):
    one = row(held=1_000, held_resident=3_000_000)
    assert one.cpu_us == pytest.approx(20.0)
    assert one.busy_us == pytest.approx(40.0)
    assert one.rate == pytest.approx(20_000)
    assert one.load_share == pytest.approx(0.4)
    assert one.memory_per_connection == pytest.approx(2_000)
    assert one.gigabits_per_cpu_second == pytest.approx(6_100_000 * 8 / 1e9 / 2)


def test_ratios_are_taken_round_by_round(row):
    results = Results(
        [
            row(round=1, cpu_seconds=1.0),
            row(round=2, cpu_seconds=2.0),
            row(round=3, cpu_seconds=3.0, errors=7),
            row(peer="envoy", round=2, cpu_seconds=8.0),
            row(peer="envoy", round=1, cpu_seconds=2.0),
        ]
    )
    ratios = results.ratios(("h1", "c64", "flatproxy"), ("h1", "c64", "envoy"), "cpu_us")
    assert ratios == pytest.approx([0.5, 0.25]), "round 3 does not count and has no partner"


def test_differences_are_taken_round_by_round(row):
    results = Results(
        [
            row(cell="one", round=1, cpu_seconds=1.5),
            row(cell="one", round=2, cpu_seconds=2.0),
            row(cell="none", round=2, cpu_seconds=1.4),
            row(cell="none", round=1, cpu_seconds=1.0),
        ]
    )
    more = results.differences(("h1", "one", "flatproxy"), ("h1", "none", "flatproxy"), "cpu_us")
    assert more == pytest.approx([5.0, 6.0])


def test_rows_from_before_the_last_column_was_added_can_be_read(row, tmp_path):
    path = tmp_path / "rows.csv"
    Writer(path).add(row(own=7))
    path.write_text("".join(line.rpartition(",")[0] + "\n" for line in path.read_text().splitlines()))
    assert Results.read(path).rows == [row()], "a column that is missing has its default"


def test_a_file_gives_back_the_rows_that_were_added(row, tmp_path):
    rows = [row(note='status 503, "no service"'), row(peer="envoy", log=False, p50_us=12.5)]
    writer = Writer(tmp_path / "rows.csv")
    for one in rows:
        writer.add(one)
    assert Results.read(tmp_path / "rows.csv").rows == rows
