"""One process of the demo: started, awaited until it serves, and ended, whatever happens."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STOP_SECONDS = 10.0
LAST_LINES = 8


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


class Program:
    """A Python program in a process group of its own, so that Ctrl-C reaches the demo alone."""

    def __init__(self, name: str, arguments: list[str], log: Path, out: Path | None = None) -> None:
        """Start it. It gets the descriptor to announce itself on as its last argument."""
        self.name = name
        self._log = log
        self._ready, announced = os.pipe()
        with log.open("ab") as errors, (out or log).open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *arguments, str(announced)],
                stdin=subprocess.PIPE,  # ends when we end, however that comes about
                stdout=output,
                stderr=errors,
                pass_fds=(announced,),
                process_group=0,
            )
        os.close(announced)

    def ready(self, seconds: float) -> str:
        """The line that it announces itself with; DemoError when it ends first, or takes longer."""
        if not select.select([self._ready], [], [], seconds)[0]:
            raise DemoError(f"{self.name} did not start within {seconds:g} s")
        with os.fdopen(self._ready) as file:
            line = file.readline().strip()
        if not line:
            raise DemoError(f"{self.name} has ended at once:\n{self.last_words()}")
        return line

    def last_words(self) -> str:
        """The end of what it logged."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LAST_LINES:])

    def kill(self) -> None:
        """End it as a crash does."""
        self._signal_all(signal.SIGKILL)
        self.process.wait()
        self._close_input()

    def stop(self) -> None:
        """End it orderly, or as `kill` does when that takes too long."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close_input()

    def _signal_all(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def _close_input(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()


def flatproxy(*arguments: str | Path) -> tuple[int, str]:
    """Run a verb of the command line as a person does: its exit code and all it said."""
    done = subprocess.run(
        [sys.executable, "-m", "flatproxy", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.strip()
