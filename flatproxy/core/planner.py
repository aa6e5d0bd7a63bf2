"""Which tier each route runs in, and why: the cheapest that its filters allow.

This version has two: `native`, where the core alone carries the exchange, and `python`, where filters in Python are asked
in the phases that they define.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flatproxy.core.entered import Entered, PlannedFilter, entered_phases, planned_filter

if TYPE_CHECKING:
    from flatproxy.config.models import Config
    from flatproxy.config.routes import Route
    from flatproxy.core.document import Chains
    from flatproxy.core.filters.placing import Placed


@dataclass(frozen=True, slots=True)
class PlannedRoute:
    """Where one route runs."""

    listener: str
    route: str
    tier: str
    why: str
    chain: tuple[PlannedFilter, ...] = ()
    """Its filters, in the order of the operator."""
    entered: tuple[Entered, ...] = ()
    """The phases in which a filter is asked, in the order of an exchange."""


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
    planned = tuple(planned_filter(placed) for placed in chain)
    return PlannedRoute(
        listener=listener,
        route=route.name,
        tier="python",
        why="; ".join(dict.fromkeys(map(_needs, planned))),
        chain=planned,
        entered=entered_phases(route, planned),
    )


def _needs(planned: PlannedFilter) -> str:
    return f"{planned.name} is Python, asked in {', '.join(planned.asked) or 'no phase'}"


def _why(route: Route) -> str:
    if route.redirect is not None:
        return "no filter; the core answers with a redirect"
    if route.respond is not None:
        return "no filter; the core answers by itself"
    return "no filter; the core carries every byte"
