"""The hooks that a package may implement, found through its entry points in the group `flatproxy`."""

from __future__ import annotations

from typing import Any

import pluggy

hookspec = pluggy.HookspecMarker("flatproxy")
hookimpl = pluggy.HookimplMarker("flatproxy")


@hookspec
def register_filters() -> list[type[Any]]:  # type: ignore[empty-body]  # a specification has no body
    """Return the filter classes of the package. Each has a `name` that routes use."""
