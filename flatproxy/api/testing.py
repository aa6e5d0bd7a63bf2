"""Filters in a test: one scripted exchange through them, on the chain that serves traffic, without sockets.

    done = drive(DenyList, options={"peers": [CART]}, peer=CART)
    assert done.response.status == 403

The one module of the contract that needs the native core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from flatproxy.api.filter import Filter

Text = str | bytes
Headers = Mapping[str, Text] | Iterable[tuple[str, Text]]
Body = Text | Sequence[bytes]

DEFAULT_TIMEOUT_SECONDS = 1.0
HELD_BODY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """What the client sends. A body given as a list arrives in these pieces."""

    path: str = "/"
    method: str = "GET"
    headers: Headers = ()
    body: Body = ()
    host: str = "test.example"
    query: str | None = None
    trailers: Headers = ()
    """What follows the body."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who sends it."""

    identity: str | None = None
    address: str = "127.0.0.1"
    port: int = 40000
    secure: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What the upstream answers to one attempt."""

    status: int = 200
    headers: Headers = ()
    body: Body = b"ok"
    trailers: Headers = ()
    after: float = 0.0
    """Seconds until it comes: the filters' clock goes on by them, nobody waits."""


@dataclass(frozen=True, slots=True)
class Fails:
    """How one attempt fails, by its flag (docs/flags.md): `CONNECT`, `UPSTREAM_RESET`, `TIMEOUT` and so on."""

    flag: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it went out."""

    headers: tuple[tuple[str, str], ...]
    """Names and values in their order."""
    body: bytes
    trailers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """Give every value of a header, in order."""
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Give the first value of a header."""
        return next(iter(self.values(name)), None)


@dataclass(frozen=True, slots=True)
class Response(Message):
    """What the client got."""

    status: int


@dataclass(frozen=True, slots=True)
class Attempt(Message):
    """What one endpoint was sent."""

    method: str
    host: str
    path: str
    query: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a filter logged."""

    level: str
    message: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Driven:
    """How an exchange went."""

    response: Response
    """With status 0 where the connection was closed without a word."""
    attempts: tuple[Attempt, ...]
    """What endpoints were sent; a try that a filter cut within the body is not among them."""
    flag: str
    """How it ended; empty when all was well."""
    detail: str
    """What the proxy's log would say of a failure."""
    closed: bool
    """A filter closed the connection in `on_connect`."""
    waited: float
    """Seconds that replies and retries would have taken; a test does not."""
    log: tuple[Line, ...]
    """What the filters logged, in order."""
    metrics: str
    """What they counted, as the admin address would show it."""
    filters: tuple[Filter, ...] = field(repr=False)
    """The instances, already closed."""


Drive = Callable[..., Driven]
"""What the pytest fixture `drive` is: the function below, with the test's `tmp_path` as its `folder`."""


def drive(
    *filters: type[Filter] | Filter,
    options: Mapping[str, Any] | None = None,
    request: Request | str = Request(),
    peer: Peer | str | None = None,
    upstream: Reply | Fails | Sequence[Reply | Fails] = Reply(),
    now: float = 0.0,
    fail: str = "closed",
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    folder: Path | None = None,
    active: int = 1,
    retrying: int = 0,
) -> Driven:
    """Send one request through filters, in their order, and tell how it went.

    A class is made with `options`, as the plan would; an instance is taken as it is. `request` may be just a path, `peer`
    just a SPIFFE id. `upstream` is what each attempt meets; the last one stands for all that follow. `now` is where the
    filters' clock stands. `fail` is the operator's `open` or `closed`, `timeout` the seconds that a phase may take, `folder`
    where files in options are looked for. `active` requests of the upstream are under way, `retrying` of them tried again. Raises pydantic's ValidationError for options that the class refuses.
    """
    given = {"folder": folder or Path.cwd()}
    made = [
        one if isinstance(one, Filter) else one(one.Options.model_validate(options or {}, context=given))
        for one in filters
    ]
    journal = _Journal()
    hosts = [_host(one, journal, now) for one in made]
    opened: list[Filter] = []
    try:
        for one, host in zip(made, hosts, strict=True):
            one.host = host
            one.open(host)
            opened.append(one)
        uses = [(one, fail == "open", round(timeout * 1000)) for one in made]
        script = _script(request, peer, upstream, now) | {"active": active, "retrying": retrying}
        # By name: the contract imports nothing of the core, and works without it but for this.
        told = import_module("flatproxy.core.native").drive(uses, script)
        metrics = import_module("flatproxy.core.filters.metrics").render(host.metrics for host in hosts)
    finally:
        for one in reversed(opened):
            one.close()
    return _driven(told, tuple(made), tuple(journal.lines), metrics)


# === the script ===


def _script(
    request: Request | str,
    peer: Peer | str | None,
    upstream: Reply | Fails | Sequence[Reply | Fails],
    now: float,
) -> dict[str, Any]:
    asked = Request(request) if isinstance(request, str) else request
    caller = Peer(peer) if isinstance(peer, str) else peer or Peer()
    answers = [upstream] if isinstance(upstream, Reply | Fails) else upstream
    return {
        "request": {
            "method": asked.method,
            "host": asked.host,
            "path": asked.path,
            "query": asked.query,
            "headers": _lines(asked.headers),
            "body": _chunks(asked.body),
            "trailers": _lines(asked.trailers),
        },
        "peer": {
            "address": caller.address,
            "port": caller.port,
            "identity": caller.identity,
            "secure": caller.secure,
        },
        "answers": [_answer(answer) for answer in answers],
        "route": "test",
        "upstream": "test",
        "held_body": HELD_BODY_BYTES,
        "now": now,
    }


def _answer(answer: Reply | Fails) -> dict[str, Any]:
    if isinstance(answer, Fails):
        return {"failure": answer.flag, "status": 0, "headers": [], "body": [], "trailers": [], "after": 0.0}
    return {
        "failure": None,
        "status": answer.status,
        "headers": _lines(answer.headers),
        "body": _chunks(answer.body),
        "trailers": _lines(answer.trailers),
        "after": answer.after,
    }


def _lines(headers: Headers) -> list[tuple[bytes, bytes]]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [(name.encode("ascii"), _bytes(value)) for name, value in pairs]


def _chunks(body: Body) -> list[bytes]:
    chunks = [_bytes(body)] if isinstance(body, str | bytes) else list(body)
    return chunks if any(chunks) else []


def _bytes(value: Text) -> bytes:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


# === the host ===


class _Journal:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def write(self, level: str, message: str, fields: Mapping[str, object]) -> None:
        """Take a line."""
        said = fields.get("fields", {})
        self.lines.append(Line(level, message, said if isinstance(said, Mapping) else {}))


def _host(one: Filter, journal: _Journal, now: float) -> Any:
    host = import_module("flatproxy.core.filters.host").FilterHost
    return host(one.name, "test", "test", journal, lambda: now)


# === how it went ===


def _driven(told: dict[str, Any], filters: tuple[Filter, ...], log: tuple[Line, ...], metrics: str) -> Driven:
    attempts = (
        Attempt(
            _text(sent["headers"]),
            sent["body"],
            _text(sent["trailers"]),
            sent["method"],
            sent["host"],
            sent["path"],
            sent["query"],
        )
        for sent in told["attempts"]
    )
    return Driven(
        response=Response(_text(told["headers"]), told["body"], _text(told["trailers"]), told["status"]),
        attempts=tuple(attempts),
        flag=told["flag"],
        detail=told["detail"],
        closed=told["closed"],
        waited=told["waited"],
        log=log,
        metrics=metrics,
        filters=filters,
    )


def _text(lines: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode(), value.decode("utf-8", "surrogateescape")) for name, value in lines)
