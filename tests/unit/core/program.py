"""A program under test: started, listened to line by line, and always ended."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

WAIT_SECONDS = 20.0


class Program:
    """A process whose log events can be awaited. Leaving the `with` kills it."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.pid = self.process.pid
        self.lines: list[str] = []
        self._arrived: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        # The reader ends when the last process that holds the pipe is gone: nothing stays behind unnoticed.
        self.join()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()

    def event(self, name: str, **fields: object) -> dict[str, Any]:
        """The next event of that name whose fields are these; what comes before it is skipped."""
        return self.line(event=name, **fields)

    def line(self, **fields: object) -> dict[str, Any]:
        """The next line of the log whose fields are these; what comes before it is skipped."""
        while True:
            try:
                line = self._arrived.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                line = None
            assert line is not None, f"no line with {fields} came, only: {''.join(self.lines)}"
            record = parse(line)
            if fields.items() <= record.items():
                return record

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def exit_code(self) -> int:
        """Of the process, once it ended by itself."""
        return self.process.wait(timeout=WAIT_SECONDS)

    def join(self) -> None:
        """Wait until everything it logged has arrived: its last process is gone then."""
        self._reader.join(WAIT_SECONDS)
        assert not self._reader.is_alive(), "a process of this program is still there"

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            self._arrived.put(line)
        self._arrived.put(None)


def parse(line: str) -> dict[str, Any]:
    """A log line, or nothing when it is plain text."""
    return json.loads(line) if line.startswith("{") else {}
