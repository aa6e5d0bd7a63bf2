"""The filter `rate_limit`: so many requests a second, for each client or for all. Begin in `options`; `buckets` counts, `filter` answers."""

from __future__ import annotations

from flatproxy import Filter, hookimpl
from flatproxy.plugins.rate_limit.filter import RateLimit


@hookimpl
def register_filters() -> list[type[Filter]]:
    """Tell FlatProxy what is in this package."""
    return [RateLimit]
