"""What a route asks its filters: how each phase of each runs, and which phases are entered, in which order.

The instances are looked at, not their classes: options may have taken a phase away.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from flatproxy.api.phases import PHASES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flatproxy.config.routes import Route
    from flatproxy.core.filters.placing import Placed

INLINE, WAITS, BLOCKS = "inline", "async", "blocking"
# When each is entered, in words that finish the sentence "asked for ...".
WHEN: Mapping[str, str] = MappingProxyType(
    {
        "on_connect": "the first request of a connection",
        "on_request": "every request",
        "on_request_body": "every piece of a request's body",
        "on_attempt": "every attempt",
        "on_failure": "every attempt that fails",
        "on_response": "every reply of the upstream",
        "on_response_body": "every piece of a reply's body",
        "on_done": "every end",
    }
)
_REVERSED = frozenset({"on_response", "on_response_body"})
# Where no upstream is asked there is no attempt, no reply, and nobody to send a body on to.
_WITHOUT_UPSTREAM = ("on_connect", "on_request", "on_done")


@dataclass(frozen=True, slots=True)
class PlannedFilter:
    """One filter of a route, as the operator placed it."""

    name: str
    version: str
    origin: str
    place: str
    """Where the configuration says so: `flatproxy.yaml:9:12`."""
    fail: str
    timeout_ms: int
    shared: bool
    asked: Mapping[str, str]
    """How each of its phases runs, `inline`, `async` or `blocking`, in the order of an exchange."""

    def described(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "name": self.name,
            "version": self.version,
            "origin": self.origin,
            "place": self.place,
            "fail": self.fail,
            "timeout_ms": self.timeout_ms,
            "shared": self.shared,
            "asked": dict(self.asked),
        }


@dataclass(frozen=True, slots=True)
class Entered:
    """One phase of a route, with the filters that are asked in it, in the order in which they are."""

    phase: str
    filters: tuple[str, ...]

    def described(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"phase": self.phase, "when": WHEN[self.phase], "filters": list(self.filters)}


def planned_filter(placed: Placed) -> PlannedFilter:
    """Describe a filter at its place."""
    made = placed.filter
    return PlannedFilter(
        name=placed.found.name,
        version=placed.found.version,
        origin=placed.found.origin,
        place=placed.place,
        fail=placed.use.fail,
        timeout_ms=round(placed.use.timeout.total_seconds() * 1000),
        shared=placed.found.kind.shared,
        asked={phase: _manner(made, phase) for phase in PHASES if phase in made.phases},
    )


def entered_phases(route: Route, chain: tuple[PlannedFilter, ...]) -> tuple[Entered, ...]:
    """Return the phases that this route enters, in the order of an exchange."""
    entered = []
    for phase in PHASES if route.upstream is not None else _WITHOUT_UPSTREAM:
        filters = tuple(one.name for one in chain if phase in one.asked)
        if filters:
            entered.append(Entered(phase, filters[::-1] if phase in _REVERSED else filters))
    return tuple(entered)


def _manner(made: Any, phase: str) -> str:
    """As the core decides it when it takes the instance (`crates/python/src/filters/seat.rs`)."""
    if inspect.iscoroutinefunction(getattr(made, phase)):
        return WAITS
    return BLOCKS if made.blocking else INLINE
