"""A value with placeholders -> text, for one exchange. Text without any stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flatproxy import Exchange

Part = Callable[["Exchange"], str]

PLACEHOLDERS: Mapping[str, Part] = MappingProxyType({
    "peer.identity": lambda exchange: exchange.peer.identity or "",
    "peer.address": lambda exchange: exchange.peer.address,
    "route": lambda exchange: exchange.route,
})  # fmt: skip


class Template:
    """Text and placeholders by turns."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for a placeholder that there is not."""
        self._parts = tuple(_parts(text))
        self.plain = None if any(callable(part) for part in self._parts) else "".join(map(str, self._parts))
        """The whole text where it is the same for every exchange."""

    def fill(self, exchange: Exchange) -> str:
        """Write the text for one exchange; a peer without an identity leaves nothing in its place."""
        if self.plain is not None:
            return self.plain
        return "".join([part if isinstance(part, str) else part(exchange) for part in self._parts])


def _parts(text: str) -> list[str | Part]:
    parts: list[str | Part] = []
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"must write a brace that is meant twice, '{{{{' or '}}}}': {error}") from None
    for before, name, form, conversion in parsed:
        if before:
            parts.append(before)
        if name is not None:
            if name not in PLACEHOLDERS or form or conversion:
                known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
                raise ValueError(
                    f"has the placeholder '{{{name}}}'; there are {known}, and '{{{{' is a brace"
                )
            parts.append(PLACEHOLDERS[name])
    return parts
