"""Which tier each route runs in, and why: the cheapest that its filters allow.

This version has two: `native`, where the core alone carries the exchange, and `python`, where filters in Python are asked
in the phases that they define.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flatproxy.api.phases import PHASES

if TYPE_CHECKING:
    from flatproxy.config.models import Config
    from flatproxy.config.routes import Route
    from flatproxy.core.document import Chains
    from flatproxy.core.filters.placing import Placed


@dataclass(frozen=True, slots=True)
class PlannedRoute:
    """Where one route runs. `phases` are the moments at which a filter is asked, in order."""

    listener: str
    route: str
    tier: str
    why: str
    filters: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()


def plan_routes(config: Config, chains: Chains) -> tuple[PlannedRoute, ...]:
    """Pick the tier of every route."""
    return tuple(
        _plan(listener.name, route, chains.get((number, index), ()))
        for number, listener in enumerate(config.listeners)
        for index, route in enumerate(listener.routes)
    )


def _plan(listener: str, route: Route, chain: tuple[Placed, ...]) -> PlannedRoute:
    if not chain:
        return PlannedRoute(listener=listener, route=route.name, tier="native", why=_why(route))
    entered = {phase for placed in chain for phase in placed.found.phases}
    return PlannedRoute(
        listener=listener,
        route=route.name,
        tier="python",
        why="; ".join(dict.fromkeys(_needs(placed) for placed in chain)),
        filters=tuple(placed.found.name for placed in chain),
        phases=tuple(phase for phase in PHASES if phase in entered),
    )


def _needs(placed: Placed) -> str:
    phases = ", ".join(placed.found.phases) or "no phase"
    return f"{placed.found.name} is Python, asked in {phases}"


def _why(route: Route) -> str:
    if route.redirect is not None:
        return "no filter; the core answers with a redirect"
    if route.respond is not None:
        return "no filter; the core answers by itself"
    return "no filter; the core carries every byte"
