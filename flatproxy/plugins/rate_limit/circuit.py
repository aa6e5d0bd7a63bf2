"""Whether a server that has failed is asked again. Decides; asks nobody."""

from __future__ import annotations


class Circuit:
    """Open after so many failures in a row: nobody asks for `pause` seconds, then one does, and the rest goes by its word.

    Only from one thread.
    """

    def __init__(self, most_failures: int, pause: float) -> None:
        self._most_failures = most_failures
        self._pause = pause
        self._failures = 0
        self._open_until: float | None = None
        self._tried = False

    @property
    def is_open(self) -> bool:
        """Whether the server is left alone."""
        return self._open_until is not None

    def admits(self, now: float) -> bool:
        """Whether to ask now. Who is admitted says `succeeded`, `failed` or `gave_up` afterwards."""
        if self._open_until is None:
            return True
        if self._tried or now < self._open_until:
            return False
        self._tried = True
        return True

    def succeeded(self) -> bool:
        """Take in that it answered; returns whether that closes the circuit."""
        closes, self._open_until = self.is_open, None
        self._failures, self._tried = 0, False
        return closes

    def failed(self, now: float) -> bool:
        """Take in that it did not; returns whether that opens the circuit."""
        self._failures += 1
        if self._failures < self._most_failures:
            return False
        opens, self._open_until = not self.is_open, now + self._pause
        self._tried = False
        return opens

    def gave_up(self) -> None:
        """Take in that nobody waited for the answer."""
        self._tried = False
