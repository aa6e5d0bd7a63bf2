"""The filter `retry`: sends what has failed once more, where that helps and harms nobody."""

from __future__ import annotations

from flatproxy import Filter, hookimpl
from flatproxy.plugins.retry.filter import RetryFailed


@hookimpl
def register_filters() -> list[type[Filter]]:
    """Tell FlatProxy what is in this package."""
    return [RetryFailed]
