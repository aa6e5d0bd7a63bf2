"""The filter `headers`: sets, adds and removes header fields, with who asks and where in their values."""

from __future__ import annotations

from flatproxy import Filter, hookimpl
from flatproxy.plugins.headers.filter import HeaderEdits


@hookimpl
def register_filters() -> list[type[Filter]]:
    """Tell FlatProxy what is in this package."""
    return [HeaderEdits]
