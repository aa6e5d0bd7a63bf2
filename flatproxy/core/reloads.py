"""Reloads one after the other: who asked, which one runs, and whether one more is wanted after it.

Askers that come while a reload runs share the next one: the file may have changed since the running one read it.
No sockets and no processes here; `begin` starts a reload, `finished` is told how it went.
"""

from collections.abc import Callable

# Told the errors when the reload is over; an empty list: the new plan serves.
Asker = Callable[[list[str]], None]


class Reloads:
    """At most one reload at a time."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin
        self._possible = False
        self._running: list[Asker] | None = None
        self._next: list[Asker] = []

    def ask(self, asker: Asker) -> None:
        """Want a reload; it begins as soon as it can."""
        self._next.append(asker)
        self._begin_if_wanted()

    def allow(self) -> None:
        """There is a proxy that serves, so a reload may begin."""
        self._possible = True
        self._begin_if_wanted()

    def finished(self, errors: list[str]) -> None:
        """The running reload is over."""
        askers, self._running = self._running or [], None
        for asker in askers:
            asker(errors)
        self._begin_if_wanted()

    def interrupted(self, reason: str) -> None:
        """The proxy is gone: the running reload failed, what waits waits for the next `allow`."""
        self._possible = False
        self.finished([reason])

    def refuse_all(self, reason: str) -> None:
        """Nothing will be reloaded any more."""
        self._possible = False
        self._next, waiting = [], self._next
        for asker in [*(self._running or []), *waiting]:
            asker([reason])
        self._running = None

    def _begin_if_wanted(self) -> None:
        if self._possible and self._running is None and self._next:
            self._running, self._next = self._next, []
            self._begin()
