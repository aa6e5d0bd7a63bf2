"""`flatproxy check`: fine or not, said on the right stream, with the right exit code."""

import os
import pty
import re
import subprocess
import sys

from tests.unit.cli.conftest import ROOT

SMALLEST = """\
listeners:
  - {name: web, listen: 127.0.0.1:8080, routes: [{name: all, upstream: app}]}
upstreams:
  - {name: app, endpoints: [127.0.0.1:9001]}
"""


def test_a_fine_file_is_said_to_be(flatproxy, tmp_path):
    (tmp_path / "flatproxy.yaml").write_text(SMALLEST)
    ran = flatproxy("check")
    assert (ran.code, ran.err) == (0, ""), "without -c it is ./flatproxy.yaml"
    assert ran.out == "flatproxy.yaml is fine: 1 listener, 1 route, 1 upstream\n"


def test_every_problem_is_a_line_on_stderr(flatproxy, tmp_path):
    (tmp_path / "bad.yaml").write_text(
        SMALLEST.replace("upstream: app", "upstream: ap").replace("listen:", "lisen:")
    )
    ran = flatproxy("check", "-c", "bad.yaml")
    assert (ran.code, ran.out) == (1, ""), "a configuration that cannot serve is exit code 1"
    assert ran.err.splitlines() == [
        "bad.yaml:2:5: `listen` is missing in this listener",
        "bad.yaml:2:17: unknown key 'lisen'; did you mean 'listen'?",
        "bad.yaml:2:71: no upstream is named 'ap'; did you mean 'app'?",
    ], "one line each, whatever the width of the terminal, no colour in a pipe"


def test_a_thousand_problems_do_not_flood(flatproxy, tmp_path):
    (tmp_path / "bad.yaml").write_text(SMALLEST + "".join(f"key{number}: 1\n" for number in range(1000)))
    lines = flatproxy("check", "-c", "bad.yaml").err.splitlines()
    assert len(lines) == 101, "the first hundred, and how many more there are"
    assert lines[-1] == "... and 900 more"


def test_warnings_do_not_fail(flatproxy, tmp_path):
    (tmp_path / "flatproxy.yaml").write_text(SMALLEST + "  - {name: spare, endpoints: [127.0.0.1:9002]}\n")
    ran = flatproxy("check")
    assert ran.code == 0, "what is odd still serves"
    assert ran.err == "flatproxy.yaml:5:12: warning: upstream 'spare' is used by no route\n"


def test_a_file_that_is_not_there_is_exit_code_1(flatproxy):
    ran = flatproxy("check", "-c", "nowhere.yaml")
    assert ran.code == 1
    assert ran.err == "nowhere.yaml: cannot be read: no such file or directory; name another one with -c\n"


def in_a_terminal(folder, **environment):
    """What `check` of a bad file writes when stderr is a terminal."""
    (folder / "flatproxy.yaml").write_text("workerz: 1\n")
    ours, theirs = pty.openpty()
    program = [sys.executable, "-c", "from flatproxy.cli import main; main()", "check"]
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    surroundings = clean | {"PYTHONPATH": str(ROOT), "TERM": "xterm"} | environment
    subprocess.run(
        program, cwd=folder, env=surroundings, stdout=theirs, stderr=theirs, check=False, timeout=60
    )
    os.close(theirs)
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123 -- a descriptor, not a path
        return terminal.read(65536).decode()


def test_there_is_colour_on_a_terminal_unless_it_is_not_wanted(tmp_path):
    assert "\x1b[31m" in in_a_terminal(tmp_path), "problems are red on a terminal"
    colours = re.findall(r"\x1b\[(?:3|4|9)\dm", in_a_terminal(tmp_path, NO_COLOR="1"))
    assert not colours, "NO_COLOR means no colour"


def test_a_terminal_shows_that_work_goes_on(tmp_path):
    assert "checking flatproxy.yaml" in in_a_terminal(tmp_path), "thousands of routes take seconds"
