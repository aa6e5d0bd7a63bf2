"""The format of a file of golden exchanges. Says nothing of any language that filters are written in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0)]


class Part(BaseModel):
    """A mapping of the format. A key that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


# === content ===


class Hex(Part):
    """Bytes that are no text."""

    hex: Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$")]
    """Two digits per byte: `ff00`."""


class Repeated(Part):
    """Content that is too long to be written out."""

    repeat: str
    """What is repeated."""
    times: Annotated[int, Field(ge=1, le=1 << 24)]
    """How often."""


Content = str | Hex | Repeated
Pieces = Content | tuple[Content, ...]
Lines = tuple[tuple[str, Content], ...]


def octets(content: Content) -> bytes:
    """Return what is sent: text is UTF-8."""
    if isinstance(content, str):
        return content.encode()
    return bytes.fromhex(content.hex) if isinstance(content, Hex) else content.repeat.encode() * content.times


def pieces(body: Pieces) -> list[bytes]:
    """Return a body piece by piece; none for an empty one."""
    parts = body if isinstance(body, tuple) else (body,)
    return [octets(part) for part in parts] if any(map(octets, parts)) else []


# === what happens around the filters ===


class Use(Part):
    """A filter of the chain."""

    use: str
    """A conformance filter, by its name in the README."""
    options: dict[str, Any] = {}
    """What it is told to do."""


class Asked(Part):
    """What the client sends."""

    method: str = "GET"
    path: Annotated[str, Field(pattern="^/")] = "/"
    query: str | None = None
    host: str = "test.example"
    headers: Lines = ()
    """Field lines in their order: `[[x-a, one], [X-A, two]]`."""
    body: Pieces = ()
    """One piece, or a list of them; each comes to the filters by itself."""
    trailers: Lines = ()
    """Field lines after the body."""


class Caller(Part):
    """Who sends it."""

    identity: str | None = None
    """The SPIFFE id of its certificate."""
    address: str = "127.0.0.1"
    port: int = 40000
    secure: bool = True
    """Whether the connection is TLS."""


class Replies(Part):
    """What the upstream answers to one attempt."""

    status: int = 200
    headers: Lines = ()
    body: Pieces = "ok"
    trailers: Lines = ()
    after: Seconds = 0.0
    """Until its head comes, on the clock of the filters."""


class Breaks(Part):
    """How one attempt fails."""

    fails: str
    """The flag (docs/flags.md): `CONNECT`, `UPSTREAM_RESET`."""


# === what is expected ===


class ExpectedMessage(Part):
    """Only what is written is looked at."""

    headers: dict[str, Content | tuple[Content, ...] | None] = {}
    """By name, in any case: the value, all values in their order, or null where there must be none."""
    lines: Lines | None = None
    """Every field line, in order, names as they are sent."""
    body: Content | None = None
    """The whole body."""
    trailers: Lines | None = None
    """Every field line after the body, in order."""


class ExpectedResponse(ExpectedMessage):
    """What the client gets."""

    status: int | None = None


class ExpectedAttempt(ExpectedMessage):
    """What the upstream gets, once per attempt."""

    method: str | None = None
    path: str | None = None
    query: str | None = None
    host: str | None = None


class Expected(Part):
    """How the exchange has to go."""

    response: ExpectedResponse = ExpectedResponse()
    attempts: tuple[ExpectedAttempt, ...] = (ExpectedAttempt(),)
    """As many as there must be; left out: one. An empty list: the upstream is not asked."""
    flag: str = ""
    """How it ends (docs/flags.md); left out: well."""
    closed: bool = False
    """Whether the connection is closed without an answer."""
    waited: Seconds | None = None
    """Seconds that replies and the pauses between attempts have taken, on the clock of the filters."""
    log: tuple[str, ...] | None = None
    """Every line that the filters log, as `level text`."""
    counters: dict[str, dict[str, float]] = {}
    """By filter and name: what its counters hold at the end."""


class Golden(Part):
    """One exchange."""

    name: str
    """What it shows, as a sentence."""
    filters: tuple[Use, ...]
    """The chain, in the operator's order."""
    request: Asked = Asked()
    peer: Caller = Caller()
    upstream: tuple[Replies | Breaks, ...] = (Replies(),)
    """One per attempt; the last one stands for all that follow."""
    fail: Literal["closed", "open"] = "closed"
    """What the operator says of filters that fail."""
    timeout: Seconds = 1.0
    """Seconds that a phase may take."""
    expect: Expected
    """How it has to go."""


class Group(Part):
    """A file: exchanges about one thing."""

    about: str
    """What they have in common."""
    exchanges: Annotated[tuple[Golden, ...], Field(min_length=1)]
