"""Who was refused a moment ago, and has no token yet for sure: a flood of theirs is none for the server that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

MOST = 10_000
# A server that was emptied has filled the buckets: it is asked again after so long.
LONGEST_SECONDS = 1.0


class Refusals:
    """Tokens come back at `rate` and no faster: until then the answer is known. Only from one thread."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._known: dict[Hashable, tuple[float, float]] = {}

    def missing(self, key: Hashable, now: float) -> float:
        """Return how much of a token is missing at `now`; 0: that is not known."""
        if (known := self._known.get(key)) is None:
            return 0.0
        asked_again, back = known
        if now < asked_again:
            return (back - now) * self._rate
        del self._known[key]
        return 0.0

    def add(self, key: Hashable, missing: float, now: float) -> None:
        """Take in that at `now` so much was missing."""
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        seconds = missing / self._rate
        self._known[key] = now + min(seconds, LONGEST_SECONDS), now + seconds
