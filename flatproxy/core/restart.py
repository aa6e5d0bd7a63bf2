"""How soon a proxy process that died is started again. Pure arithmetic."""

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 5.0
STEADY_SECONDS = 10.0


class BackOff:
    """At once after the first death, then 0.1 s, doubling up to 5 s; a process that lived for 10 s starts anew."""

    def __init__(self) -> None:
        self._deaths = 0

    def delay(self, lived_seconds: float) -> float:
        """Seconds to wait after a death."""
        if lived_seconds >= STEADY_SECONDS:
            self._deaths = 0
        self._deaths += 1
        if self._deaths == 1:
            return 0.0
        return float(min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self._deaths - 2, 16)))
