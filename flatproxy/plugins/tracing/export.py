"""The queue between traffic and the collector, and the thread that empties it. Who puts something in never waits.

Not the SDK's own BatchSpanProcessor: docs/decisions/spans-are-made-later.md.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from flatproxy.plugins.tracing.collector import Collector, Outcome

if TYPE_CHECKING:
    from flatproxy import Host
    from flatproxy.plugins.tracing.options import TracingOptions
    from flatproxy.plugins.tracing.recording import Recording

CLOSE_SECONDS = 2.0
QUIET_SECONDS = 60.0  # between two lines about the same trouble


class Export:
    """Takes recordings from every data thread, sends them on from one of its own."""

    def __init__(self, options: TracingOptions, endpoint: str, host: Host) -> None:
        """Raises OSError or ValueError for a file that cannot be used."""
        self._collector = Collector(options, endpoint)
        self._most, self._batch = options.queue, options.batch
        self._interval = options.interval.total_seconds()
        self._queue: deque[Recording] = deque()
        self._wake, self._closing = threading.Event(), threading.Event()
        self._exported = host.metrics.counter(
            "spans_exported_total", "Spans that the collector took."
        ).labelled()
        self._dropped = host.metrics.counter(
            "spans_dropped_total",
            "Spans that were lost: queue_full, export_failed, rejected, closed.",
            ("reason",),
        )
        self._full = self._dropped.labelled(reason="queue_full")
        self._trouble = Trouble(host, endpoint)
        self._thread = threading.Thread(target=self._run, name="tracing-export", daemon=True)

    def open(self) -> None:
        """Begin."""
        self._thread.start()

    def take(self, recording: Recording) -> None:
        """Put a recording in, or drop it where too many wait. From any thread, never waits."""
        # Data threads may each see the last free place: a few more than `queue` do no harm, an append is atomic.
        if len(self._queue) >= self._most:
            self._full.add(recording.spans)
            return
        self._queue.append(recording)
        if len(self._queue) >= self._batch and not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Send what waits, for two seconds at most."""
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSE_SECONDS)
        left = list(self._queue)
        self._queue.clear()
        if left:
            self._lost(left, "closed")
            self._trouble.ended(len(left))
        self._collector.close()

    # === the thread ===

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(self._interval)
            self._wake.clear()
            while self._queue:
                if not self._send() and not self._closing.is_set():
                    # A collector that is in trouble gets one batch in every interval.
                    self._closing.wait(self._interval)

    def _send(self) -> bool:
        batch = self._next()
        spans = sum(recording.spans for recording in batch)
        try:
            outcome = self._collector.export(batch)
        except Exception as error:  # noqa: BLE001 -- whatever it is: the thread goes on
            outcome = Outcome(taken=False, why=str(error))
        if not outcome.taken:
            self._lost(batch, "export_failed")
            self._trouble.failed(outcome.why, spans)
            return False
        self._trouble.over()
        if outcome.rejected:
            self._dropped.add(outcome.rejected, reason="rejected")
        self._exported.add(max(0, spans - outcome.rejected))
        return True

    def _next(self) -> list[Recording]:
        batch: list[Recording] = []
        try:
            while len(batch) < self._batch:
                batch.append(self._queue.popleft())
        except IndexError:
            pass  # `close` may have emptied it
        return batch

    def _lost(self, recordings: list[Recording], reason: str) -> None:
        self._dropped.add(sum(recording.spans for recording in recordings), reason=reason)


class Trouble:
    """Tells the log that the collector takes nothing: once, then every minute, and when it is over."""

    def __init__(self, host: Host, endpoint: str) -> None:
        self._host, self._endpoint = host, endpoint
        self._since: float | None = None
        self._quiet_until = 0.0
        self._lost = 0

    def failed(self, why: str, spans: int) -> None:
        """A batch was lost."""
        now = self._host.now()
        self._lost += spans
        if self._since is None:
            self._since, self._quiet_until = now, now
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            self._host.log.warning("spans are lost", endpoint=self._endpoint, why=why, lost=self._lost)

    def over(self) -> None:
        """A batch was taken."""
        if self._since is not None:
            self._host.log.info("spans are taken again", endpoint=self._endpoint, lost=self._lost)
            self._since, self._lost = None, 0

    def ended(self, left: int) -> None:
        """The time to send what waited is up."""
        self._host.log.warning("spans are lost at the end", endpoint=self._endpoint, lost=left)
