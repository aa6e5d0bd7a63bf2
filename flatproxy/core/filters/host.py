"""What one instance may use of the proxy: the `Host` of the contract."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flatproxy.core.filters.journal import FilterLog, Journal
from flatproxy.core.filters.metrics import FilterMetrics

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterHost:
    """Log, metrics and clock for the filter `name` on a route; both names are empty where routes share it."""

    def __init__(
        self,
        name: str,
        listener: str,
        route: str,
        journal: Journal,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.listener = listener
        self.route = route
        place: dict[str, object] = {"listener": listener, "route": route} if route else {}
        self.log = FilterLog(journal, {"filter": name, **place})
        self.metrics = FilterMetrics(f"flatproxy_filter_{name.replace('.', '_')}_", (listener, route))
        self._clock = clock

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._clock()
