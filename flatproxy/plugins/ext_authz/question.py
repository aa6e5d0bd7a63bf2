"""What the service is asked about a request. No I/O."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flatproxy import Exchange
    from flatproxy.plugins.ext_authz.options import ExtAuthzOptions

Lines = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Question:
    """One check, as it goes to the service; equal ones have equal answers."""

    method: str
    target: bytes
    """Path and query, after those of the URL."""
    headers: tuple[tuple[bytes, bytes], ...]

    def digest(self) -> bytes:
        """Return what stands for it in memory: the question itself may hold a token."""
        parts = (self.method.encode(), self.target, *(part for line in self.headers for part in line))
        # Lengths first, so that no two questions run together.
        return hashlib.sha256(b"".join(b"%d:%s" % (len(part), part) for part in parts)).digest()


class Questions:
    """Makes them, as the options say."""

    def __init__(self, options: ExtAuthzOptions) -> None:
        self._names = options.headers
        self._identity = options.identity_header.encode()
        self._follows = options.ask == "path"

    def about(self, exchange: Exchange) -> Question:
        """Ask about this request. Call it once the client's own words under our names are gone."""
        request, peer = exchange.request, exchange.peer
        # `OPTIONS *` asks about the whole server and has no path.
        path = request.path if request.path.startswith("/") else f"/{request.path}"
        uri = _octets(path if request.query is None else f"{path}?{request.query}")
        lines: Lines = [
            (name.encode(), _octets(value)) for name in self._names for value in request.headers.get_all(name)
        ]
        lines += [
            (b"x-forwarded-method", _octets(request.method)),
            (b"x-forwarded-proto", b"https" if peer.secure else b"http"),
            (b"x-forwarded-host", _octets(request.host)),
            (b"x-forwarded-uri", uri),
            (b"x-forwarded-for", peer.address.encode()),
        ]
        if peer.identity is not None:
            lines.append((self._identity, _octets(peer.identity)))
        method = request.method if self._follows else "GET"
        return Question(method, uri if self._follows else b"", tuple(lines))


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
