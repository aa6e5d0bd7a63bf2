"""Whose bucket a request takes from: its key, short whatever a client sends."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Hashable
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flatproxy import Exchange
    from flatproxy.plugins.rate_limit.options import KeyPart

LONGEST_TEXT = 64
# A site has at least a /64 (RFC 6177): whoever has one may ask from any of its addresses.
IPV6_SITE_BITS = 64

KeyOf = Callable[["Exchange"], Hashable]


def key_of(parts: tuple[KeyPart, ...]) -> KeyOf:
    """Make what reads the key of a request. What a request does not have is None: all without it share a bucket."""
    readers = tuple(_reader(part) for part in parts)
    if not readers:
        return lambda _: None
    if len(readers) == 1:
        return readers[0]
    return lambda exchange: tuple([read(exchange) for read in readers])


def digest(key: Hashable) -> str:
    """Name a key for other eyes: the same on every node, of one length, and it does not tell what a client sent."""
    return blake2b(ascii(key).encode(), digest_size=16).hexdigest()


# === one part ===


def _reader(part: KeyPart) -> KeyOf:
    if part.header is not None:
        return _header(part.header)
    return {"peer": _peer, "address": _address, "path": _path}[part.of or ""]


def _peer(exchange: Exchange) -> str | None:
    return exchange.peer.identity


def _address(exchange: Exchange) -> str:
    return network_of(exchange.peer.address)


def _path(exchange: Exchange) -> str:
    return _short(exchange.request.path)


def _header(name: str) -> KeyOf:
    def read(exchange: Exchange) -> str | None:
        # Of several values nobody knows which one the upstream takes: no way to a bucket of one's own.
        values = exchange.request.headers.get_all(name)
        return _short(values[0]) if len(values) == 1 else None

    return read


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"#{digest(text)}"


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return an IPv4 address as it is, of an IPv6 address its site."""
    read = ipaddress.ip_address(address.partition("%")[0])
    if read.version == 4:
        return address
    if read.ipv4_mapped is not None:
        return str(read.ipv4_mapped)
    return str(ipaddress.ip_network((read, IPV6_SITE_BITS), strict=False))
