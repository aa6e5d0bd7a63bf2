"""What filters log: written by another thread, with where it came from, dropped rather than waited for."""

import json
import threading

import pytest

from flatproxy.core import log
from flatproxy.core.filters.journal import FilterLog, Journal, plain


def test_a_line_says_who_speaks_and_keeps_its_fields_apart(capfd):
    journal = Journal()
    FilterLog(journal, {"filter": "acme", "route": "orders"}).warning("odd", route="mine", count=2, at=object)
    journal.close()
    record = json.loads(capfd.readouterr().err)
    assert (record["event"], record["level"], record["message"]) == ("filter", "warning", "odd")
    assert (record["filter"], record["route"]) == ("acme", "orders"), "no field of a filter can pass for ours"
    assert record["fields"] == {"route": "mine", "count": 2, "at": "<class 'object'>"}


def test_lines_of_an_exchange_say_which_trace_it_belongs_to(capfd):
    journal = Journal()
    FilterLog(journal, {"filter": "acme"}).bound(trace_id="4bf9").info("asked", trace_id="forged")
    journal.close()
    record = json.loads(capfd.readouterr().err)
    assert (record["filter"], record["trace_id"]) == ("acme", "4bf9")
    assert record["fields"] == {"trace_id": "forged"}, "no field of a filter can pass for ours"


def test_the_three_levels(capfd):
    journal = Journal()
    said = FilterLog(journal, {})
    said.info("a")
    said.error("b")
    journal.close()
    assert [json.loads(line)["level"] for line in capfd.readouterr().err.splitlines()] == ["info", "error"]


def test_lines_that_nobody_takes_are_dropped_and_counted(monkeypatch):
    written, blocked, go_on = [], threading.Event(), threading.Event()

    def event(name, message="", **fields):
        written.append((name, fields.get("count")))
        blocked.set()
        assert go_on.wait(20)

    monkeypatch.setattr(log, "event", event)
    journal = Journal(most_waiting=2)
    said = FilterLog(journal, {})
    said.info("taken")
    assert blocked.wait(20), "the thread should have taken the first line"
    for _ in range(5):
        said.info("more")
    assert journal.dropped == 3, "two wait, three are gone, and nobody waited"
    go_on.set()
    journal.close()
    assert ("filter_log_dropped", 3) in written


class Strange:
    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(("value", "shown"), [(1, 1), (None, None), ("a", "a"), ((1,), "(1,)")])
def test_values_are_made_plain_at_once(value, shown):
    assert plain(value) == shown


def test_a_value_that_cannot_be_shown_is_no_failure():
    assert plain(Strange()) == "<Strange that cannot be shown: RuntimeError>"
