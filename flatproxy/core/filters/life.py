"""Opens the filters of a plan before it serves, and closes them when no plan uses them any more.

    ready(placed) -> the plan is applied -> applied(drain) -> ... the next ready(placed) ... -> close()
                  -> the plan is refused -> refused()

An instance whose class and options are the same on the same route lives on in the next plan: a rate limiter does not
forget. One that is not is closed after the drain time: exchanges finish on the plan that they began with, and nobody
knows when the last one does.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flatproxy.core import log
from flatproxy.core.filters.found import told
from flatproxy.core.filters.host import FilterHost
from flatproxy.core.filters.journal import Journal
from flatproxy.core.filters.metrics import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flatproxy.api.filter import Filter, Options
    from flatproxy.core.filters.placing import Placed


class NotOpened(Exception):  # noqa: N818 -- it is many errors, and its name says so
    """Filters that could not begin; `errors` has each with its place in the configuration."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True, eq=False)
class Living:
    """An opened instance."""

    filter: Filter
    options: Options
    host: FilterHost
    scope: tuple[str, str] | None

    def close(self) -> None:
        """End it; what goes wrong then is told and changes nothing."""
        try:
            self.filter.close()
        except Exception as error:  # noqa: BLE001 -- a stranger's code
            name = self.filter.name
            log.event("filter_not_closed", f"{name} failed to close", level="error", trace=told(error))


# Whose filter, and of which class.
Place = tuple[tuple[str, str] | None, type[Any]]


class Life:
    """Every opened filter of the process."""

    def __init__(self) -> None:
        self._journal = Journal()
        self._serving: dict[str, Living] = {}
        self._next: dict[str, Living] = {}
        self._opened: list[Living] = []  # for `_next`, so far
        self._leaving: dict[threading.Timer, list[Living]] = {}
        self._lock = threading.Lock()

    def ready(self, placed: Sequence[Placed]) -> dict[str, Filter]:
        """Open what is new; returns the instances of the next plan by key. Raises `NotOpened`, and nothing is open then."""
        self.refused()
        staying = self._by_place()
        errors = []
        for one in placed:
            if one.key in self._next:
                continue
            living = _take(staying.get((one.scope, one.found.kind), []), one)
            if living is None:
                living, error = self._open(one)
                errors += [error] if error else []
            self._next[one.key] = living
        if errors:
            self.refused()
            raise NotOpened(errors)
        return {key: living.filter for key, living in self._next.items()}

    def applied(self, drain_seconds: float) -> None:
        """The plan that was made ready serves; what it does not use any more is closed after so many seconds."""
        before, self._serving = self._serving, self._next
        self._next, self._opened = {}, []
        staying = set(map(id, self._serving.values()))
        leaving = [living for living in before.values() if id(living) not in staying]
        if leaving:
            timer = threading.Timer(drain_seconds, lambda: self._leave(timer))
            timer.daemon = True
            with self._lock:
                self._leaving[timer] = leaving
            timer.start()

    def refused(self) -> None:
        """The plan that was made ready will not serve."""
        for living in self._opened:
            living.close()
        self._next, self._opened = {}, []

    def close(self) -> None:
        """Close everything; no exchange is left."""
        self.refused()
        with self._lock:
            leaving, self._leaving = self._leaving, {}
        for timer in leaving:
            timer.cancel()
        serving, self._serving = self._serving, {}
        for living in [*serving.values(), *(one for group in leaving.values() for one in group)]:
            living.close()
        self._journal.close()

    def metrics(self) -> str:
        """Everything that the filters count themselves, in the Prometheus text format."""
        return render(living.host.metrics for living in list(self._serving.values()))

    # === one instance ===

    def _open(self, placed: Placed) -> tuple[Living, str]:
        listener, route = placed.scope or ("", "")
        host = FilterHost(placed.found.name, listener, route, self._journal)
        living = Living(placed.filter, placed.options, host, placed.scope)
        try:
            placed.filter.host = host
            placed.filter.open(host)
        except Exception as error:  # noqa: BLE001 -- a stranger's code
            return living, f"{placed.place}: {placed.found.name} cannot be opened: {told(error)}"
        self._opened.append(living)
        return living, ""

    def _by_place(self) -> dict[Place, list[Living]]:
        staying: dict[Place, list[Living]] = {}
        for living in self._serving.values():
            staying.setdefault((living.scope, type(living.filter)), []).append(living)
        return staying

    def _leave(self, timer: threading.Timer) -> None:
        with self._lock:
            leaving: Iterable[Living] = self._leaving.pop(timer, ())
        for living in leaving:
            living.close()


def _take(candidates: list[Living], placed: Placed) -> Living | None:
    """Take the first that has the options of `placed`, so that a second use of the filter gets another."""
    for number, living in enumerate(candidates):
        if living.options == placed.options:
            return candidates.pop(number)
    return None
