"""The hooks that a package may implement, found through its entry points in the group `flatproxy`.

Registration, life cycle and who clients are: the filters of a route are called directly, never through these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from flatproxy.api.exchange import Peer
    from flatproxy.api.filter import Filter

hookspec = pluggy.HookspecMarker("flatproxy")
hookimpl = pluggy.HookimplMarker("flatproxy")


@hookspec
def register_filters() -> list[type[Filter]]:  # type: ignore[empty-body]  # a specification has no body
    """Return the filter classes of the package. Each has a `name` that routes use."""


@hookspec(firstresult=True)
def map_identity(peer: Peer) -> str | None:
    """Say who a client is taken for, as a SPIFFE id; None: as its certificate says, or nobody.

    Asked once for each connection, before its first request and before any filter; the first package that answers
    decides. A plain `def` that does not wait: it runs on the data thread, for a second at most. Where it raises, or returns
    what is no SPIFFE id, the connection is closed.
    """


@hookspec
def on_start() -> None:
    """The proxy process serves its first plan."""


@hookspec
def on_stop() -> None:
    """The proxy process has served its last exchange."""
