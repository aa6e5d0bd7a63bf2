"""The filter `fault`: delays and aborts a share of the requests, to see what callers make of it."""

from __future__ import annotations

from flatproxy import Filter, hookimpl
from flatproxy.plugins.fault.filter import Fault


@hookimpl
def register_filters() -> list[type[Filter]]:
    """Tell FlatProxy what is in this package."""
    return [Fault]
