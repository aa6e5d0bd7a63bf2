"""What a kind of filter has to bring so that the golden exchanges can be run against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdk.conformance.golden import Golden

Lines = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """What the upstream got with one attempt."""

    method: str
    host: str
    path: str
    query: str | None
    headers: Lines
    body: bytes
    trailers: Lines = ()


@dataclass(frozen=True, slots=True)
class Played:
    """How an exchange went."""

    status: int
    """0: the connection was closed without an answer."""
    headers: Lines
    body: bytes
    attempts: tuple[Sent, ...]
    trailers: Lines = ()
    flag: str = ""
    detail: str = ""
    """What the proxy would log of a failure; shown where an exchange did not go as expected."""
    closed: bool = False
    waited: float = 0.0
    log: tuple[str, ...] = ()
    """Lines as `level text`."""
    counters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By filter and name."""


class Kind(Protocol):
    """One way to write a filter: a language, and how it is run."""

    @property
    def name(self) -> str:
        """What `--kind` says: `python`."""

    @property
    def filters(self) -> frozenset[str]:
        """The conformance filters that are there."""

    def play(self, golden: Golden) -> Played:
        """Send the exchange through those filters, on the chain that serves traffic."""
