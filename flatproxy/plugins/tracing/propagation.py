"""Which formats a trace is read from, in which order, and written in: what the operator listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from flatproxy.plugins.tracing import b3, w3c
from flatproxy.plugins.tracing.context import NOBODY, Caller

if TYPE_CHECKING:
    from flatproxy import Headers
    from flatproxy.plugins.tracing.options import Format

Read = Callable[["Headers"], Caller | None]
Write = Callable[["Headers", str, str, int, str], None]

FORMATS: Mapping[Format, tuple[Read, Write]] = MappingProxyType(
    {
        "w3c": (w3c.read, w3c.write),
        "b3": (b3.read, b3.write),
        "b3multi": (b3.read_several, b3.write_several),
    }
)


class Propagation:
    """Reads the first format that is there and good, writes all."""

    def __init__(self, formats: tuple[Format, ...]) -> None:
        self._readers = tuple(FORMATS[name][0] for name in formats)
        self._writers = tuple(FORMATS[name][1] for name in formats)
        self._w3c = "w3c" in formats
        self.alone = len(formats) == 1
        """What a caller sent in it is all that the upstream is told, too."""

    def read(self, headers: Headers) -> Caller:
        """Return what the caller said, or NOBODY. A `tracestate` that belongs to nothing of it is taken away."""
        for read in self._readers:
            caller = read(headers)
            if caller is not None:
                if self._w3c and read is not w3c.read:
                    headers.remove(w3c.TRACESTATE)
                return caller
        if self._w3c:
            headers.remove(w3c.TRACESTATE)
        return NOBODY

    def state(self, headers: Headers) -> w3c.State:
        """Return what the vendors along the way have noted, for a span; notes that break the rules are taken away."""
        if not self._w3c or not (lines := headers.get_all(w3c.TRACESTATE)):
            return ()
        state = w3c.state(lines)
        if state is None:
            headers.remove(w3c.TRACESTATE)
        return state or ()

    def write(self, headers: Headers, trace_id: str, span_id: str, flags: int, parent_id: str) -> None:
        """Tell the upstream. `parent_id` is the span above `span_id`; empty: nobody knows one."""
        for write in self._writers:
            write(headers, trace_id, span_id, flags, parent_id)
