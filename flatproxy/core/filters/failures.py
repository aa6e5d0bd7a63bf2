"""Filters that fail at run time: counted each, the first of a kind told with its trace, the others now and then.

A kind is a filter, a phase, and the place where the error was raised.
"""

from __future__ import annotations

import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

from flatproxy.core import log
from flatproxy.core.filters.interrupt import PhaseTimeoutError

if TYPE_CHECKING:
    from flatproxy.api.filter import Filter

# A kind that goes on is told again after so many seconds.
AGAIN_SECONDS = 60.0
# Kinds that are remembered; a filter that raises in ever new places must not fill the memory.
MOST_KINDS = 1_000
NAME = "flatproxy_filter_failures_total"

Kind = tuple[str, str, str, str]


class Failures:
    """What has failed so far. Called from any thread."""

    def __init__(self) -> None:
        """Nothing has."""
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str, str], int] = {}
        self._told: dict[Kind, tuple[float, int]] = {}

    def note(self, filter: Filter, phase: str, error: BaseException, now: float | None = None) -> str:  # noqa: A002
        """Count a failure and perhaps tell it; returns one sentence for the log of the exchange."""
        sentence = f"{phase}: {_sentence(error)}"
        kind = (filter.name, phase, type(error).__name__, _place(error))
        silent = self._count(kind, time.monotonic() if now is None else now)
        if silent is not None:
            more = (
                {"times_since": silent} if silent else {"trace": "".join(traceback.format_exception(error))}
            )
            log.event("filter_failed", sentence, level="error", filter=filter.name, phase=phase, **more)
        return sentence

    def metrics(self) -> str:
        """Give the counts in the Prometheus text format."""
        with self._lock:
            counts = sorted(self._counts.items())
        if not counts:
            return ""
        lines = [
            f"# HELP {NAME} Filters that raised, took too long or broke their contract.",
            f"# TYPE {NAME} counter",
        ]
        for (name, phase, reason), count in counts:
            lines.append(f'{NAME}{{filter="{name}",phase="{phase}",reason="{reason}"}} {count}')
        return "\n".join(lines) + "\n"

    def _count(self, kind: Kind, now: float) -> int | None:
        """None: nothing is told. Otherwise how often it happened since it was told last."""
        with self._lock:
            counted = kind[:3]
            self._counts[counted] = self._counts.get(counted, 0) + 1
            at, since = self._told.get(kind, (None, 0))
            if at is not None and now - at < AGAIN_SECONDS:
                self._told[kind] = (at, since + 1)
                return None
            if at is None and len(self._told) >= MOST_KINDS:
                return None
            self._told[kind] = (now, 0)
            return since + 1 if at is not None else 0


FAILURES = Failures()


def note(filter: Filter, phase: str, error: BaseException) -> str:  # noqa: A002
    """What the core calls when a phase has failed."""
    return FAILURES.note(filter, phase, error)


def _sentence(error: BaseException) -> str:
    if isinstance(error, PhaseTimeoutError | TimeoutError):
        return str(error) or "not done in time"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _place(error: BaseException) -> str:
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
