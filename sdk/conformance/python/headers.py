"""Conformance filters that edit what the messages say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from flatproxy import Exchange, Filter, Options

if TYPE_CHECKING:
    from flatproxy import Headers

Place = Literal["on_request", "on_attempt", "on_response"]


class Placed(Filter, abstract=True):
    """Does the same thing to the headers of the request, the attempt or the response."""

    def __init__(self, options: PlaceOptions) -> None:
        super().__init__(options)
        self.phases = frozenset({options.phase})

    def on_request(self, exchange: Exchange) -> None:
        """Edit every attempt."""
        self.edit(exchange, exchange.request.headers)

    def on_attempt(self, exchange: Exchange) -> None:
        """Edit this one."""
        self.edit(exchange, exchange.attempt.headers)

    def on_response(self, exchange: Exchange) -> None:
        """Edit what the client gets."""
        self.edit(exchange, exchange.response.headers)

    def edit(self, exchange: Exchange, headers: Headers) -> None:
        """Do it."""
        raise NotImplementedError


class PlaceOptions(Options):
    """Where."""

    phase: Place = Field(alias="in", default="on_request")


class EditOptions(PlaceOptions):
    """What."""

    remove: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()


class EditHeaders(Placed):
    """Removes, then sets, then adds fields."""

    name = "edit_headers"
    Options = EditOptions
    options: EditOptions

    def edit(self, exchange: Exchange, headers: Headers) -> None:
        """Do it in that order."""
        for name in self.options.remove:
            headers.remove(name)
        for name, value in self.options.set:
            headers[name] = value
        for name, value in self.options.add:
            headers.add(name, value)


class CopyOptions(PlaceOptions):
    """From where to where."""

    source: str = Field(alias="from")
    to: str
    every: bool = False


class CopyHeader(Placed):
    """Writes the first value of a field, or every one, into another field of the same message."""

    name = "copy_header"
    Options = CopyOptions
    options: CopyOptions

    def edit(self, exchange: Exchange, headers: Headers) -> None:
        """Copy what is there; nothing where nothing is."""
        values = headers.get_all(self.options.source)
        for value in values if self.options.every else values[:1]:
            headers.add(self.options.to, value)


class WhoOptions(PlaceOptions):
    """Nothing but where."""


class Who(Placed):
    """Writes who asks, and by which route, into fields."""

    name = "who"
    Options = WhoOptions

    def edit(self, exchange: Exchange, headers: Headers) -> None:
        """Set the fields."""
        peer = exchange.peer
        headers["x-identity"] = peer.identity or "-"
        headers["x-address"] = f"{peer.address} {peer.port}"
        headers["x-secure"] = "yes" if peer.secure else "no"
        headers["x-asked"] = " ".join((
            exchange.request.method, exchange.request.host, exchange.request.path, exchange.request.query or "-",
        ))  # fmt: skip


class RewriteOptions(Options):
    """What is changed; left out: nothing."""

    method: str | None = None
    host: str | None = None
    path: str | None = None
    query: str | None = None


class Rewrite(Filter):
    """Changes where an attempt goes."""

    name = "rewrite"
    Options = RewriteOptions
    options: RewriteOptions

    def on_attempt(self, exchange: Exchange) -> None:
        """Set what is given."""
        for part, value in self.options.model_dump(exclude_none=True).items():
            setattr(exchange.attempt, part, value)


class StatusOptions(Options):
    """Which."""

    status: int


class SetStatus(Filter):
    """Changes the status of the response."""

    name = "set_status"
    Options = StatusOptions
    options: StatusOptions

    def on_response(self, exchange: Exchange) -> None:
        """Set it."""
        exchange.response.status = self.options.status


FILTERS = (EditHeaders, CopyHeader, Who, Rewrite, SetStatus)
