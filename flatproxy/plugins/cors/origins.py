"""Which origins are allowed, and what `Access-Control-Allow-Origin` says to them."""

from __future__ import annotations

import re

from flatproxy.plugins.cors.options import ANY

# What may stand for the star of `https://*.shop.demo`: labels, and nothing that could end a host.
_LABELS = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


class Origins:
    """The origins of one route."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.anybody = ANY in allowed
        self._exact = frozenset(origin for origin in allowed if "*" not in origin)
        self._below = tuple(
            (scheme, "." + host)
            for scheme, _, host in (origin.partition("*.") for origin in allowed if "*." in origin)
        )

    def answer_to(self, origin: str) -> str | None:
        """Return what the field says to this origin; None: it is not allowed."""
        if self.anybody:
            return ANY
        return origin if origin in self._exact or self._is_below(origin) else None

    def _is_below(self, origin: str) -> bool:
        return any(
            origin.startswith(scheme)
            and origin.endswith(host)
            and _LABELS.fullmatch(origin, len(scheme), len(origin) - len(host)) is not None
            for scheme, host in self._below
        )
