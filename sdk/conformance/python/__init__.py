"""The Python kind: its conformance filters, and how they are run."""

from __future__ import annotations

from flatproxy import Filter, hookimpl
from sdk.conformance.python.kind import FILTERS, PythonKind

KIND = PythonKind()


@hookimpl
def register_filters() -> list[type[Filter]]:
    """Offer them to a FlatProxy that serves, where an entry point names this module."""
    return list(FILTERS.values())
