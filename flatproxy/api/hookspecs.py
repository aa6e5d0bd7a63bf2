"""The hooks that a package may implement, found through its entry points in the group `flatproxy`.

Registration and life cycle only: the filters of a route are called directly, never through these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from flatproxy.api.filter import Filter

hookspec = pluggy.HookspecMarker("flatproxy")
hookimpl = pluggy.HookimplMarker("flatproxy")


@hookspec
def register_filters() -> list[type[Filter]]:  # type: ignore[empty-body]  # a specification has no body
    """Return the filter classes of the package. Each has a `name` that routes use."""


@hookspec
def on_start() -> None:
    """The proxy process serves its first plan."""


@hookspec
def on_stop() -> None:
    """The proxy process has served its last exchange."""
