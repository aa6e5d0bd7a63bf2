"""What filters log, on its way to stderr: a filter never waits for a pipe that nobody reads (docs/decisions/logs-never-wait.md)."""

from __future__ import annotations

import queue
import threading

from flatproxy.core import log

MOST_WAITING = 1000
CLOSE_SECONDS = 1.0
_PLAIN = (str, int, float, bool, type(None))


class Journal:
    """A bounded queue and the thread that empties it; lines that find it full are dropped and counted."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self.dropped = 0
        self._queue: queue.Queue[tuple[log.Level, str, dict[str, object]] | None] = queue.Queue(most_waiting)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._told = 0

    def write(self, level: log.Level, message: str, fields: dict[str, object]) -> None:
        """Hand a line over."""
        if self._thread is None:
            self._start()
        try:
            self._queue.put_nowait((level, message, fields))
        except queue.Full:
            with self._lock:
                self.dropped += 1

    def close(self) -> None:
        """Write what is waiting, for a second at most."""
        if self._thread is not None:
            try:
                self._queue.put(None, timeout=CLOSE_SECONDS)
            except queue.Full:
                return
            self._thread.join(CLOSE_SECONDS)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="filter-log", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (line := self._queue.get()) is not None:
            level, message, fields = line
            log.event("filter", message, level=level, **fields)
            if self.dropped != self._told:
                count, self._told = self.dropped - self._told, self.dropped
                log.event("filter_log_dropped", "lines of filters were lost", level="warning", count=count)


class FilterLog:
    """The log as one filter sees it."""

    def __init__(self, journal: Journal, origin: dict[str, object]) -> None:
        self._journal = journal
        self._origin = origin

    def info(self, message: str, **fields: object) -> None:
        """Say what an operator may want to know."""
        self._write("info", message, fields)

    def warning(self, message: str, **fields: object) -> None:
        """Say what is odd."""
        self._write("warning", message, fields)

    def error(self, message: str, **fields: object) -> None:
        """Say what has failed."""
        self._write("error", message, fields)

    def bound(self, **origin: object) -> FilterLog:
        """Return a log whose lines say this, too: the trace of an exchange."""
        return FilterLog(self._journal, {**self._origin, **origin})

    def _write(self, level: log.Level, message: str, fields: dict[str, object]) -> None:
        # In a part of its own: no field of a filter can pass for one of ours.
        said = {"fields": {name: plain(value) for name, value in fields.items()}} if fields else {}
        self._journal.write(level, str(message), {**self._origin, **said})


def plain(value: object) -> object:
    """Make what can be written later, on another thread: the parts of an exchange are gone by then."""
    if isinstance(value, _PLAIN):
        return value
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 -- a line that cannot be written is no reason to fail
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"
