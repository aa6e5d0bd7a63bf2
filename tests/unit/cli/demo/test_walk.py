"""The demo's verdict: a step that goes wrong is said to have, and ends in exit code 1."""

from types import SimpleNamespace

import pytest
from rich.console import Console

from flatproxy.cli.demo import walk
from flatproxy.cli.demo.steps import Step, expect

STAGE = SimpleNamespace(proxy=SimpleNamespace(last_words=lambda: "the last words"))


def broken(_stage):
    raise ConnectionRefusedError("nobody is there")


@pytest.mark.parametrize(
    ("play", "result", "seen"),
    [
        (lambda _stage: expect(right=True, seen="200"), "ok", "200"),
        (lambda _stage: expect(right=False, seen="404"), "failed", "404"),
        (broken, "failed", "nobody is there"),
    ],
)
def test_a_row_says_what_was_seen_and_the_exit_code_whether_it_is_right(
    monkeypatch, capsys, play, result, seen
):
    code = 0 if result == "ok" else 1
    monkeypatch.setattr(walk, "STEPS", (Step("First", "something", play),))
    assert walk._walk(STAGE, Console(width=100)) == code
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if line.startswith("│ First"))
    assert seen in row
    assert row.rstrip("│ ").endswith(result)
    assert ("the last words" in out) == bool(code), "FlatProxy's log helps where something went wrong"
