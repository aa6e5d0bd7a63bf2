"""The filter `cors`: which pages of other origins may read the answers (the Fetch standard, section 3.3)."""

from __future__ import annotations

from flatproxy import Filter, hookimpl
from flatproxy.plugins.cors.filter import Cors


@hookimpl
def register_filters() -> list[type[Filter]]:
    """Tell FlatProxy what is in this package."""
    return [Cors]
