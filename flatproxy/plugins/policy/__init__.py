"""The filter `policy`: who may ask for what. Begin in `options`; `rules` decides, `filter` answers."""

from __future__ import annotations

from flatproxy import Filter, hookimpl
from flatproxy.plugins.policy.filter import Policy


@hookimpl
def register_filters() -> list[type[Filter]]:
    """Tell FlatProxy what is in this package."""
    return [Policy]
