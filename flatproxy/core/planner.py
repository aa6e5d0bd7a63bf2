"""Which tier each route runs in, and why: the cheapest that its filters allow.

This version has one tier, `native`: the core alone carries the exchange.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flatproxy.config.models import Config
    from flatproxy.config.routes import Route


@dataclass(frozen=True, slots=True)
class PlannedRoute:
    """Where one route runs. `phases` are the moments at which a filter is asked, in order."""

    listener: str
    route: str
    tier: str
    why: str
    filters: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()


def plan_routes(config: Config) -> tuple[PlannedRoute, ...]:
    """Pick the tier of every route."""
    return tuple(
        PlannedRoute(
            listener=listener.name,
            route=route.name,
            tier="native",
            why=_why(route),
            filters=tuple(use.use for use in route.filters),
        )
        for listener in config.listeners
        for route in listener.routes
    )


def _why(route: Route) -> str:
    if route.redirect is not None:
        return "no filter; the core answers with a redirect"
    if route.respond is not None:
        return "no filter; the core answers by itself"
    return "no filter; the core carries every byte"
