"""Conformance filters that see bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from flatproxy import Exchange, Filter, Host, Options

if TYPE_CHECKING:
    from flatproxy import Headers


class ChangeOptions(Options):
    """Whose body, and what becomes of it."""

    message: Literal["request", "response"] = Field(alias="of")
    how: Literal["keep", "upper", "drop", "append", "replace"]
    text: str = ""


class ChangeBody(Filter):
    """Keeps, changes, drops, replaces or grows a body."""

    name = "change_body"
    Options = ChangeOptions
    options: ChangeOptions

    def __init__(self, options: ChangeOptions) -> None:
        super().__init__(options)
        self.phases = frozenset({f"on_{options.message}_body"})
        self._text = options.text.encode()

    def on_request_body(self, exchange: Exchange, chunk: bytes, last: bool) -> bytes | None:
        """Change what goes to the upstream."""
        return self._changed(exchange, chunk, last=last)

    def on_response_body(self, exchange: Exchange, chunk: bytes, last: bool) -> bytes | None:
        """Change what goes to the client."""
        return self._changed(exchange, chunk, last=last)

    def _changed(self, exchange: Exchange, chunk: bytes, *, last: bool) -> bytes | None:
        match self.options.how:
            case "upper":
                return chunk.upper()
            case "drop":
                return b""
            case "append":
                return chunk + self._text if last else None
            case "replace":
                first, exchange.state = exchange.state is None, "begun"
                return self._text if first else b""
        return None


class Count(Filter):
    """Counts the bytes of both bodies in the state of the exchange, and tells in a field, the log and a counter."""

    name = "count"

    def open(self, host: Host) -> None:
        """Declare the counter."""
        self.bytes = host.metrics.counter("bytes_total", "Bytes of both bodies.")

    def on_request(self, exchange: Exchange) -> None:
        """Begin."""
        exchange.state = [0, 0]

    def on_request_body(self, exchange: Exchange, chunk: bytes, last: bool) -> None:
        """Count its bytes."""
        exchange.state[0] += len(chunk)

    def on_response(self, exchange: Exchange) -> None:
        """Tell what the request had."""
        exchange.response.headers["x-request-bytes"] = str(exchange.state[0])

    def on_response_body(self, exchange: Exchange, chunk: bytes, last: bool) -> None:
        """Count its bytes."""
        exchange.state[1] += len(chunk)

    def on_done(self, exchange: Exchange) -> None:
        """Tell both."""
        there, back = exchange.state
        exchange.log.info(f"{there} bytes there, {back} bytes back")
        self.bytes.add(there + back)


class TrailerOptions(Options):
    """Whose, and what."""

    message: Literal["request", "response"] = Field(alias="of")
    remove: tuple[str, ...] = ()
    add: tuple[tuple[str, str], ...] = ()


class EditTrailers(Filter):
    """Removes and adds fields after a body, with its last piece."""

    name = "edit_trailers"
    Options = TrailerOptions
    options: TrailerOptions

    def __init__(self, options: TrailerOptions) -> None:
        super().__init__(options)
        self.phases = frozenset({f"on_{options.message}_body"})

    def on_request_body(self, exchange: Exchange, chunk: bytes, last: bool) -> None:
        """Edit what goes to the upstream."""
        if last:
            self._edit(exchange.request.trailers)

    def on_response_body(self, exchange: Exchange, chunk: bytes, last: bool) -> None:
        """Edit what goes to the client."""
        if last:
            self._edit(exchange.response.trailers)

    def _edit(self, trailers: Headers) -> None:
        for name in self.options.remove:
            trailers.remove(name)
        for name, value in self.options.add:
            trailers.add(name, value)


FILTERS = (ChangeBody, Count, EditTrailers)
