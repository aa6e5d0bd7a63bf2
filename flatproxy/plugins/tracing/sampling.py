"""Which traces are recorded: by what the caller has decided, by share, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy.plugins.tracing.options import SamplingOptions, percent

if TYPE_CHECKING:
    from flatproxy.plugins.tracing.context import Caller

_HALF = 16  # digits: a trace id has two halves of 64 bits
_MORE_THAN_ALL = "g"


class Sampling:
    """Decides by the low half of the trace id, as OpenTelemetry's TraceIdRatioBased does: all who take the same share agree."""

    def __init__(self, options: SamplingOptions) -> None:
        self._follows = options.parent is not None
        below = round(percent(options.parent or options.share or "never") / 100 * 2**64)
        # As text: digits of equal number are in the order of what they mean.
        self._below = f"{below:016x}" if below < 2**64 else _MORE_THAN_ALL

    def decide(self, trace_id: str, caller: Caller) -> bool:
        """Say whether this trace is recorded."""
        if self._follows and caller.sampled is not None:
            return caller.sampled
        return trace_id[_HALF:] < self._below
