"""Decides about the trace of a request, tells the upstream, and hands over what is recorded. Never waits for a collector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy import Exchange, Failure, Filter, Host
from flatproxy.plugins.tracing.context import RANDOM, SAMPLED, new_span_id, new_trace_id
from flatproxy.plugins.tracing.options import TracingOptions
from flatproxy.plugins.tracing.propagation import Propagation
from flatproxy.plugins.tracing.recording import Recording, Try
from flatproxy.plugins.tracing.sampling import Sampling

if TYPE_CHECKING:
    from flatproxy.plugins.tracing.export import Export

_OF_TRIES = frozenset({"on_attempt", "on_failure"})
_OF_SPANS = _OF_TRIES | {"on_done"}


class Tracing(Filter):
    """Gives every request a trace, and records those that are sampled."""

    name = "tracing"
    # One queue and one thread for all routes that say the same.
    shared = True
    Options = TracingOptions
    options: TracingOptions

    def __init__(self, options: TracingOptions) -> None:
        super().__init__(options)
        self._propagation = Propagation(options.propagate)
        self._sampling = Sampling(options.sampling)
        self._export: Export | None = None
        # A phase costs a crossing for every request: only those are entered that these options need.
        unused = _OF_SPANS if options.endpoint is None else frozenset() if options.attempts else _OF_TRIES
        self.phases = type(self).phases - unused

    def open(self, host: Host) -> None:
        """Begin to export. Raises OSError or ValueError for a file that cannot be used."""
        if self.options.endpoint is not None:
            # Here: who only propagates does not need OpenTelemetry's packages, which take a tenth of a second to load.
            from flatproxy.plugins.tracing.export import Export

            self._export = Export(self.options, self.options.endpoint, host)
            self._export.open()

    def close(self) -> None:
        """Export what waits, for two seconds at most."""
        if self._export is not None:
            self._export.close()

    # === phases ===

    def on_request(self, exchange: Exchange) -> None:
        """Find out which trace this is, or begin one, and tell the upstream."""
        headers = exchange.request.headers
        caller = self._propagation.read(headers)
        exchange.trace_id = trace_id = caller.trace_id or new_trace_id()
        sampled = self._sampling.decide(trace_id, caller)
        recorded = sampled and self._export is not None
        if recorded or not caller.span_id or caller.sampled is (not sampled):
            span_id, parent_id = new_span_id(), caller.span_id
        elif caller.intact and self._propagation.alone:
            return
        else:
            # We add nothing, so the spans below belong to the caller's.
            span_id, parent_id = caller.span_id, ""
        flags = caller.flags | SAMPLED if sampled else caller.flags & RANDOM
        self._propagation.write(headers, trace_id, span_id, flags, parent_id)
        if recorded:
            state = self._propagation.state(headers)
            exchange.state = Recording(trace_id, span_id, parent_id, flags, state, exchange.now)
            exchange.measure_filters()

    def on_attempt(self, exchange: Exchange) -> None:
        """Give this try a span of its own, above that of the upstream."""
        recording: Recording | None = exchange.state
        if recording is not None:
            one = Try(exchange)
            recording.tries.append(one)
            headers = exchange.attempt.headers
            self._propagation.write(
                headers, recording.trace_id, one.span_id, recording.flags, recording.span_id
            )

    def on_failure(self, exchange: Exchange, failure: Failure) -> None:
        """Note how the try ended."""
        recording: Recording | None = exchange.state
        if recording is not None:
            recording.try_failed(exchange, failure)

    def on_done(self, exchange: Exchange) -> None:
        """Hand over what was recorded."""
        recording: Recording | None = exchange.state
        if recording is not None and self._export is not None:
            recording.end(exchange)
            self._export.take(recording)
