"""Promises are judged by the rows, and the report says so."""

from xml.etree import ElementTree

import pytest

from bench.cli import chosen_workloads
from bench.report import About, publish
from bench.results import Results, Writer
from bench.targets import TARGETS, judge
from bench.workloads import WORKLOADS


def verdict(results, base):
    return next(
        one
        for one in judge(results)
        if (one.target.workload, one.target.cell, one.target.base) == ("h1", "c64", base)
    )


def test_a_promise_is_met_at_its_limit_and_missed_beyond(row):
    envoy = row(peer="envoy", cpu_seconds=10.0)
    assert verdict(Results([row(cpu_seconds=3.0), envoy]), "envoy").met is True
    assert verdict(Results([row(cpu_seconds=3.01), envoy]), "envoy").met is False


def test_a_promise_of_a_difference_is_judged_within_the_round(row):
    none = row(workload="filter-python", cell="none", cpu_seconds=1.0)
    for more, met in ((0.5, True), (0.51, False)):
        one = row(workload="filter-python", cell="one", cpu_seconds=1.0 + more)
        judged = {each.target.text: each for each in judge(Results([none, one]))}
        verdict = judged["CPU that a filter in Python adds"]
        assert verdict.value == pytest.approx(10 * more), "microseconds per request"
        assert verdict.met is met


def test_a_promise_of_a_figure_alone_needs_no_other(row):
    none = row(workload="filter-python", cell="none", crossings=3)
    judged = {each.target.text: each for each in judge(Results([none]))}
    assert judged["crossings into Python per request"].met is False


def test_a_table_tells_what_a_cell_has_over_its_base(row, tmp_path):
    writer = Writer(tmp_path / "today.csv")
    writer.add(row(workload="filter-python", cell="none", cpu_seconds=1.0))
    writer.add(row(workload="filter-python", cell="one", cpu_seconds=1.4))
    About().write(tmp_path / "today.json")
    assert "| +4.00 µs than none, ×1.40 |" in publish(tmp_path / "today.csv").read_text()


def test_a_promise_without_its_peer_is_not_judged(row):
    assert verdict(Results([row()]), "haproxy").met is None


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_every_promise_names_a_cell_that_is_run(target):
    cells = {cell.name for cell in WORKLOADS[target.workload].cells}
    assert target.cell in cells
    assert not target.base_cell or target.base_cell in cells


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=lambda workload: workload.id)
def test_every_cell_is_compared_with_one_of_its_workload(workload):
    names = {cell.name for cell in workload.cells}
    assert {cell.base for cell in workload.cells} <= {"", *names}


def test_what_takes_long_is_run_only_when_it_is_named():
    assert "memory" not in {one.id for one in chosen_workloads(None)}
    assert [one.id for one in chosen_workloads(["memory"])] == ["memory"]


def test_a_report_tells_promises_absent_peers_and_rows_that_do_not_count(row, tmp_path):
    writer = Writer(tmp_path / "today.csv")
    for one in (
        row(cpu_seconds=9.0),
        row(peer="envoy", cpu_seconds=10.0),
        row(peer="nginx", errors=3, note="reset"),
    ):
        writer.add(one)
    About(absent={"haproxy": "not installed"}, machine={"commit": "abc"}).write(tmp_path / "today.json")
    text = publish(tmp_path / "today.csv").read_text()
    assert "| CPU per request | h1 c64 | envoy | ≤ 0.30 | 0.90 (0.90 to 0.90) | **missed** |" in text
    assert "* haproxy is absent: not installed" in text
    assert "* h1 c64 nginx, round 1: 3 errors reset" in text


def test_charts_are_well_formed_and_name_every_peer(row, tmp_path):
    writer = Writer(tmp_path / "today.csv")
    writer.add(row())
    writer.add(row(peer="envoy & co"))
    About().write(tmp_path / "today.json")
    publish(tmp_path / "today.csv")
    for chart in tmp_path.glob("*.svg"):
        words = {element.text for element in ElementTree.parse(chart).iter() if element.text}
        assert {"flatproxy", "envoy & co"} <= words, f"{chart.name} lacks a peer"
