"""The filter `tracing`: which trace a request belongs to, and spans for those that are sampled.

Begin in `filter`. `context` is what one caller said, `w3c` and `b3` how it is written, `propagation` which of them are used,
`sampling` who is recorded; `recording`, `export`, `collector` and `spans` are the way of a span out of the process.
"""

from __future__ import annotations

from flatproxy import Filter, hookimpl
from flatproxy.plugins.tracing.filter import Tracing


@hookimpl
def register_filters() -> list[type[Filter]]:
    """Tell FlatProxy what is in this package."""
    return [Tracing]
