"""What supervisor, proxy and `flatproxy reload` say to each other, and how it is written: msgpack with a length.

Sans I/O: `encode` gives bytes, `Frames` takes bytes. A frame is two 32-bit lengths (of the payload, and how many
descriptors travel with it; `channel` says how), then the payload.
"""

import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Literal

import msgpack

HEADER = struct.Struct("<II")
LARGEST = 1 << 30  # a plan of ten thousand routes has some megabytes; more than this is not one of ours


class ProtocolError(Exception):
    """The other end said something that is not one of our messages."""


# Why a plan was built: the process started, it was asked over the channel or on the admin address, or our
# certificate was renewed.
Cause = Literal["start", "reload", "admin", "identity"]


# === proxy to supervisor ===


@dataclass(frozen=True)
class WantSockets:
    """Listen on these addresses, with so many sockets each; those that are open already are given again."""

    wanted: dict[str, int]


@dataclass(frozen=True)
class Serving:
    """A plan is applied. `kept` is what a restarted proxy gets back; sockets of other addresses may be closed."""

    kept: bytes = field(repr=False)
    listeners: list[dict[str, str]]  # name, listen
    admin: str | None
    drain_seconds: float
    cause: Cause

    def addresses(self) -> set[str]:
        """Every address that is listened on, as the configuration writes it."""
        return {listener["listen"] for listener in self.listeners} | ({self.admin} if self.admin else set())


@dataclass(frozen=True)
class Refused:
    """The configuration is not good enough; what served before still does."""

    errors: list[str]
    cause: Cause


# === supervisor to proxy ===


@dataclass(frozen=True)
class Sockets:
    """The answer to WantSockets; the descriptors follow in the order of `counts`."""

    counts: dict[str, int]
    errors: list[str]


@dataclass(frozen=True)
class Reload:
    """Load the configuration again; answered by Serving or Refused. Also what `flatproxy reload` sends."""


@dataclass(frozen=True)
class Drain:
    """Stop accepting, let running exchanges finish for so long, then exit."""

    seconds: float


# === supervisor to `flatproxy reload` ===


@dataclass(frozen=True)
class Answer:
    """How a reload went."""

    errors: list[str]


Message = WantSockets | Serving | Refused | Sockets | Reload | Drain | Answer
_KINDS: dict[str, type[Message]] = {
    kind.__name__: kind for kind in (WantSockets, Serving, Refused, Sockets, Reload, Drain, Answer)
}


def encode(message: Message, descriptors: int = 0) -> tuple[bytes, bytes]:
    """Header and payload of a message with so many descriptors."""
    payload = msgpack.packb([type(message).__name__, asdict(message)])
    return HEADER.pack(len(payload), descriptors), payload


def decode(payload: bytes) -> Message:
    """The message of a payload; raises ProtocolError."""
    try:
        name, fields = msgpack.unpackb(payload)
        return _KINDS[name](**fields)
    except (ValueError, TypeError, KeyError, msgpack.UnpackException) as error:
        raise ProtocolError(f"not a message: {error!r}") from error


def lengths(header: bytes) -> tuple[int, int]:
    """Payload bytes and descriptors that a header announces; raises ProtocolError."""
    size, descriptors = HEADER.unpack(header)
    if size > LARGEST:
        raise ProtocolError(f"a message of {size} bytes")
    return size, descriptors


class Frames:
    """Takes messages out of a stream of bytes that arrives in any pieces; no descriptors on this side."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield every message that is complete now; raises ProtocolError."""
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            size, descriptors = lengths(bytes(self._buffer[: HEADER.size]))
            if descriptors:
                raise ProtocolError("descriptors, where none are expected")
            end = HEADER.size + size
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            yield decode(payload)
