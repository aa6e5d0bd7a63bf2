"""What was allowed a moment ago. Bounded in number and in size; used on the asyncio thread only, so it needs no lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flatproxy.plugins.ext_authz.answer import Decision

MOST = 10_000
# Together with the number it bounds the memory: 40 MB at the very worst.
LONGEST_BYTES = 4096


class Memory:
    """Decisions that let in, by the digest of their question. A refusal is never kept: a new right is good at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: dict[bytes, tuple[float, Decision]] = {}

    def recall(self, digest: bytes, now: float) -> Decision | None:
        """Return what was decided, while that is still good."""
        until, decision = self._kept.get(digest, (now, None))
        return decision if now < until else None

    def keep(self, digest: bytes, decision: Decision, now: float) -> None:
        """Remember a decision that let in."""
        if sum(len(name) + len(value) for name, value in decision.fields) > LONGEST_BYTES:
            return
        self._kept.pop(digest, None)
        while len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]  # the oldest: they are in the order in which they end
        self._kept[digest] = (now + self._seconds, decision)
