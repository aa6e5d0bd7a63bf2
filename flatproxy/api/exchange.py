"""One request and all that follows from it, as a filter sees it. The objects are native; these are their faces.

Four messages, never mixed: `request` came from the client, `attempt` goes to the upstream (one per try), `reply` came
from the upstream, `response` goes to the client. What is not there yet, or cannot be changed any more, raises
AttributeError or TypeError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flatproxy.api.host import Log, Metrics

Default = TypeVar("Default")
Kind = TypeVar("Kind")


class Headers(Protocol):
    """The header fields of a message, in their order (RFC 9110 section 5).

    Names are compared without case. Values are text; a byte that is no UTF-8 comes as a surrogate and goes out as the
    byte it was (`surrogateescape`). Setting takes text or bytes and raises ValueError for names and values that are
    illegal, and for names that the core owns (`content-length`, `transfer-encoding`, `connection`, `host`, ...).
    """

    @overload
    def get(self, name: str) -> str | None: ...

    @overload
    def get(self, name: str, default: Default) -> str | Default: ...

    def get(self, name: str, default: Any = None) -> Any:
        """Return the first value of that name."""

    def get_all(self, name: str) -> list[str]:
        """Return every value of that name, one per field line."""

    def __getitem__(self, name: str) -> str:
        """Return the first value; KeyError when there is none."""

    def __setitem__(self, name: str, value: str | bytes) -> None:
        """Write one field line in place of all of that name."""

    def __delitem__(self, name: str) -> None:
        """Take all of that name away; KeyError when there is none."""

    def add(self, name: str, value: str | bytes) -> None:
        """Write a field line after those that are there."""

    def remove(self, name: str) -> bool:
        """Take all of that name away; returns whether there were any."""

    def __contains__(self, name: object) -> bool:
        """Whether there is a field of that name."""

    def __len__(self) -> int:
        """Return the number of field lines."""

    def __iter__(self) -> Iterator[str]:
        """Go through the names as they are on the wire, one per field line."""

    def items(self) -> list[tuple[str, str]]:
        """Return names and values, one pair per field line."""


class Peer(Protocol):
    """The client's end of the connection."""

    @property
    def address(self) -> str:
        """The IP address that the connection comes from."""

    @property
    def port(self) -> int:
        """The port that it comes from."""

    @property
    def identity(self) -> str | None:
        """The SPIFFE id of its verified certificate: `spiffe://demo.mesh/shop/cart`. None: it showed none."""

    @property
    def secure(self) -> bool:
        """Whether the connection is TLS."""


class Request(Protocol):
    """What came from the client. Edits of its headers, until it is sent, are in every attempt."""

    @property
    def method(self) -> str:
        """The method, as sent: `GET`."""

    @property
    def path(self) -> str:
        """The path after normalisation, percent-encoded, without the query."""

    @property
    def query(self) -> str | None:
        """What follows the `?`, percent-encoded; None: there is no `?`."""

    @property
    def host(self) -> str:
        """The host that was asked for, with the port if one was sent."""

    @property
    def headers(self) -> Headers:
        """The header fields."""

    @property
    def trailers(self) -> Headers:
        """The fields after the body, for filters that see bodies: there with the last piece, when they may be edited."""


class Attempt(Protocol):
    """What goes to the upstream this time. All but `number` and `endpoint` may be set, in `on_attempt`."""

    method: str
    """The method."""
    path: str
    """The path, percent-encoded, without the query."""
    query: str | None
    """What follows the `?`; None: no `?`."""
    host: str
    """The `Host` that the upstream sees."""

    @property
    def headers(self) -> Headers:
        """The header fields."""

    @property
    def number(self) -> int:
        """1 for the first try."""

    @property
    def endpoint(self) -> str | None:
        """The address that was picked, `IP:port`; None before one is."""


class Reply(Protocol):
    """What came from the upstream. Read only."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> Headers:
        """The header fields."""


class Response(Protocol):
    """What goes to the client: made from the reply, by a filter, or by the core."""

    status: int
    """The status code, 200 to 599; may be set in `on_response`."""

    @property
    def headers(self) -> Headers:
        """The header fields."""

    @property
    def trailers(self) -> Headers:
        """The fields after the body, for filters that see bodies: there with the last piece, when they may be edited."""


class Failure(Protocol):
    """Why a try failed, given to `on_failure`."""

    @property
    def flag(self) -> str:
        """The short word of the access log: `CONNECT`, `UPSTREAM_RESET`, ... (docs/flags.md).

        Empty: the upstream answered, with one of the filter's `failure_statuses`; see `exchange.reply`. `SLOW`: it has not
        answered within the filter's `hedge_after`.
        """

    @property
    def status(self) -> int:
        """What the client gets when no filter has a better idea."""

    @property
    def detail(self) -> str:
        """What happened, in words, for a log."""

    @property
    def replayable(self) -> bool:
        """Whether the whole request is still there, so that it can be sent again."""

    @property
    def safe(self) -> bool:
        """Whether nothing of it reached an upstream, or doing it twice does no harm (RFC 9110 section 9.2.2)."""

    @property
    def active(self) -> int:
        """How many requests the upstream has under way, this one included, over all data threads."""

    @property
    def retrying(self) -> int:
        """How many of them are being tried again, or wait for it."""


class Shared(Protocol):
    """What filters of one exchange tell each other: one value per class, `exchange.shared[Verified] = Verified(...)`."""

    def __getitem__(self, kind: type[Kind]) -> Kind:
        """Return the value; KeyError when nobody put one."""

    def __setitem__(self, kind: type[Kind], value: Kind) -> None:
        """Put a value in place of the last."""

    def __contains__(self, kind: object) -> bool:
        """Whether there is one."""

    def get(self, kind: type[Kind]) -> Kind | None:
        """Return the value, or None."""


class Exchange(Protocol):
    """One request and all that follows from it, until its response is done."""

    @property
    def peer(self) -> Peer:
        """The client. Always there."""

    @property
    def request(self) -> Request:
        """From the client. There from `on_request` on."""

    @property
    def attempt(self) -> Attempt:
        """To the upstream, this try. There from the first `on_attempt` on."""

    @property
    def reply(self) -> Reply:
        """From the upstream. There from `on_response` on, and in `on_failure` when an upstream answered."""

    @property
    def response(self) -> Response:
        """To the client. There from `on_response` on."""

    @property
    def route(self) -> str:
        """The name of the route."""

    @property
    def upstream(self) -> str | None:
        """The name of the upstream; None before one is picked, and where the route needs none."""

    @property
    def flag(self) -> str:
        """How it went wrong, in the short word of the access log; empty while all is well."""

    @property
    def now(self) -> float:
        """Monotonic seconds. A test sets the clock."""

    @property
    def duration(self) -> float:
        """Seconds since the request head was complete."""

    @property
    def request_bytes(self) -> int:
        """Bytes of the request's body so far."""

    @property
    def response_bytes(self) -> int:
        """Bytes of the response's body so far."""

    state: Any
    """Whatever the filter wants to remember until `on_done`; private to it, None at first."""

    trace_id: str
    """The trace that it belongs to, as the access log and the filters' log lines show it; empty: none. At most 64
    visible ASCII characters. May be set in every phase."""

    def measure_filters(self) -> None:
        """Keep, from now on, what the phases of each filter take."""

    @property
    def filter_seconds(self) -> dict[str, float]:
        """Seconds that the phases of each filter took so far, by name; empty where nobody measures."""

    @property
    def shared(self) -> Shared:
        """What the filters of this exchange tell each other."""

    @property
    def log(self) -> Log:
        """The log of the filter that is asked: `host.log`."""

    @property
    def metrics(self) -> Metrics:
        """The metrics of the filter that is asked: `host.metrics`."""
