"""Draws for each request whether it is delayed and whether it is aborted, and does so."""

from __future__ import annotations

import asyncio
import random

from flatproxy import Counter, Exchange, Filter, Host, Respond
from flatproxy.plugins.fault.options import FaultOptions


class Fault(Filter):
    """Delays and aborts a share of the requests."""

    name = "fault"
    Options = FaultOptions
    options: FaultOptions
    _faults: Counter

    def __init__(self, options: FaultOptions) -> None:
        super().__init__(options)
        delay, abort, self._header = options.delay, options.abort, options.header
        self._seconds = delay.duration.total_seconds() if delay else 0.0
        self._delayed = delay.share / 100 if delay else 0.0
        self._aborted = abort.share / 100 if abort else 0.0
        self._answer = Respond(abort.status) if abort else None
        if not self._delayed:
            # An `async def` phase is a task on another thread, for every request; who never waits stays in line.
            self.on_request = self._at_once  # type: ignore[method-assign, assignment]

    def open(self, host: Host) -> None:
        """Declare the metric."""
        self._faults = host.metrics.counter(
            "faults_total", "Requests that met a fault: delay, abort.", ("kind",)
        )

    async def on_request(self, exchange: Exchange) -> Respond | None:
        """Wait where a delay is due, then answer where an abort is."""
        if self._is_due(self._delayed, exchange):
            self._faults.add(kind="delay")
            await asyncio.sleep(self._seconds)
        return self._at_once(exchange)

    def _at_once(self, exchange: Exchange) -> Respond | None:
        """Answer where an abort is due."""
        if self._is_due(self._aborted, exchange):
            self._faults.add(kind="abort")
            return self._answer
        return None

    def _is_due(self, share: float, exchange: Exchange) -> bool:
        # Never 1.0, so that 100 % is every request; chance is no secret here.
        if random.random() >= share:  # noqa: S311
            return False
        return self._header is None or self._header in exchange.request.headers
