"""Log lines: JSON for machines, text for a terminal."""

import json
import os
import pty
import re
import sys
from pathlib import Path

import flatproxy
from flatproxy.core import log


def test_a_line_is_one_json_object(capfd):
    log.event("reloaded", "all is well", cause="reload", path=os)
    (line,) = capfd.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["event"], record["message"], record["level"]) == ("reloaded", "all is well", "info")
    assert (record["cause"], record["pid"]) == ("reload", os.getpid())
    assert record["time"].endswith("Z")


def test_a_line_break_in_a_value_makes_no_second_line(capfd):
    log.event("refused", 'first\nsecond {"event": "forged"}')
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_terminal_gets_text():
    pid, terminal = pty.fork()
    if pid == 0:
        sys.stderr = sys.__stderr__  # what pytest captures is no terminal
        os.environ.pop("NO_COLOR", None)
        log.event("draining", "soon", level="warning", seconds=5)
        os._exit(0)
    text = os.read(terminal, 1000).decode()
    os.waitpid(pid, 0)
    os.close(terminal)
    assert "draining soon seconds=5" in text
    assert "\x1b[33mwarning" in text


def test_a_closed_stderr_stops_nobody():
    pid = os.fork()
    if pid == 0:
        os.close(2)
        log.event("ready")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_every_event_is_explained_to_the_operator():
    root = Path(flatproxy.__file__).parent
    events = {
        name
        for source in root.rglob("*.py")
        for name in re.findall(r"log\.event\(\s*\"([a-z_]+)\"", source.read_text())
    }
    page = (Path(__file__).parents[3] / "docs" / "operate.md").read_text()
    assert events, "the pattern finds no events any more"
    assert [name for name in sorted(events) if f"`{name}`" not in page] == [], (
        "docs/operate.md explains every event"
    )
