"""Whether a service is asked at all: one that has not answered for a while is left alone. No I/O, no clock of its own.

Used on the asyncio thread only, so it needs no lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flatproxy.plugins.ext_authz.options import Circuit


class Breaker:
    """Closed: all are asked. Open: nobody is, until a pause is over; then one question tries, and the others still wait."""

    def __init__(self, options: Circuit) -> None:
        self._most = options.failures
        self._pause = options.pause.total_seconds()
        self._failures = 0
        self._until: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether questions are kept back."""
        return self._until is not None

    def lets_ask(self, now: float) -> bool:
        """Whether this question may be asked. What is let through must be told as `answered` or `failed`."""
        if self._until is None:
            return True
        if now < self._until:
            return False
        # This one tries; should it never be heard of again, another may after the next pause.
        self._until = now + self._pause
        return True

    def answered(self) -> bool:
        """Take note of an answer; returns whether it closed the circuit."""
        was_open = self.is_open
        self._failures, self._until = 0, None
        return was_open

    def failed(self, now: float) -> bool:
        """Take note of a question without an answer; returns whether it opened the circuit."""
        self._failures += 1
        if self._failures < self._most:
            return False
        was_open = self.is_open
        self._until = now + self._pause
        return not was_open
