"""`flatproxy demo` as CI runs it, as somebody at a terminal does, and as one who has seen enough."""

import os
import re
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from flatproxy.cli.demo.steps import STEPS

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "flatproxy", "demo")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")

# Long enough for a machine that does many other things.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def surroundings(tmp_path):
    """An environment in which all that the demo leaves behind is found in `tmp_path`."""
    return os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT), "CI": "true"}


def left_behind(folder: Path) -> list[str]:
    """Files of the demo, and processes that were started for it."""
    processes = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                environment = (process / "environ").read_bytes()
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # ended, or not ours
            if f"TMPDIR={folder}\0".encode() in environment:
                processes.append(command)
    return processes + [str(path) for path in folder.glob("flatproxy-demo-*")]


def test_without_a_terminal_every_step_is_right_and_nothing_is_left_behind(surroundings, tmp_path):
    done = subprocess.run(
        COMMAND, env=surroundings, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"the demo should do what it should:\n{done.stdout}{done.stderr}"
    for step in STEPS:
        row = next((line for line in done.stdout.splitlines() if line.startswith(f"│ {step.name} ")), "")
        assert row.endswith("│ ok     │"), f"the table should say that `{step.name}` is ok:\n{done.stdout}"
    assert "requests/s, p50" in done.stdout, "the speed that was seen is shown"
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("moment", ["Services", "... An endpoint dies", "... Reload under load"])
def test_an_interrupt_at_any_moment_leaves_nothing_behind(surroundings, tmp_path, moment):
    with subprocess.Popen(
        COMMAND, env=surroundings, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        assert demo.stdout is not None
        said = []
        for line in demo.stdout:
            said.append(line)
            if line.startswith(moment):
                demo.send_signal(signal.SIGINT)
        assert demo.wait() == 130, f"it was interrupted: {''.join(said)}"
    assert "Traceback" not in "".join(said)
    assert left_behind(tmp_path) == []


@pytest.mark.needs("curl", "setsid")
def test_on_a_terminal_it_stays_up_and_what_it_says_to_try_works(surroundings, tmp_path):
    del surroundings["CI"]
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (60, 160))
    # `setsid --ctty` makes it the controlling terminal, so that Ctrl-C is a key and not a call.
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *COMMAND],
        env=surroundings | {"TERM": "xterm"},
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as demo:
        os.close(theirs)
        said = read_until(ours, "reload -c")
        answers = {line: shell(line) for line in re.findall(r"(curl .*?)\r?\n", said)}
        os.write(ours, b"\x03")
        said += read_until(ours, "cleaned up")
        assert demo.wait() == 0, f"every step was right, so Ctrl-C is a good end:\n{said}"
    os.close(ours)
    assert left_behind(tmp_path) == []
    service, missing, known, refused, metrics = answers.values()
    assert '"service": "orders-' in service
    assert "404 Not Found" in missing
    assert "x-flatproxy-flag: NO_ROUTE" in missing
    assert "URI=spiffe://demo.mesh/shop/web" in known
    assert "certificate required" in refused
    assert "flatproxy_requests_total{" in metrics


def shell(line: str) -> str:
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


def read_until(terminal: int, text: str) -> str:
    """What the terminal shows, up to the line with that text, without its colours and cursor movements."""
    shown = ""
    while not re.search(re.escape(text) + r".*\n", shown):
        try:
            data = os.read(terminal, 65536)
        except OSError:  # EIO: the last process that had it has ended
            pytest.fail(f"it ended before it showed {text!r}:\n{shown}")
        shown += ESCAPES.sub("", data.decode(errors="replace"))
    return shown
