"""Carries the edits out: those of the request before any try, those of the response before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy import Exchange, Filter
from flatproxy.plugins.headers.options import Edits, HeadersOptions
from flatproxy.plugins.headers.template import Template

if TYPE_CHECKING:
    from flatproxy import Headers


class HeaderEdits(Filter):
    """Sets, adds and removes header fields of requests and responses."""

    name = "headers"
    Options = HeadersOptions
    options: HeadersOptions

    def __init__(self, options: HeadersOptions) -> None:
        super().__init__(options)
        self._request = Compiled(options.request)
        self._response = Compiled(options.response)

    def on_request(self, exchange: Exchange) -> None:
        """Edit what every try starts from."""
        if self._request.any:
            self._request.apply(exchange, exchange.request.headers)

    def on_response(self, exchange: Exchange) -> None:
        """Edit what the client gets of an upstream's answer."""
        if self._response.any:
            self._response.apply(exchange, exchange.response.headers)


class Compiled:
    """Edits with their templates made."""

    def __init__(self, edits: Edits) -> None:
        self._remove = edits.remove
        self._set = tuple((name, Template(value)) for name, value in edits.set.items())
        self._add = tuple((name, Template(value)) for name, values in edits.add.items() for value in values)
        self.any = bool(self._remove or self._set or self._add)

    def apply(self, exchange: Exchange, headers: Headers) -> None:
        """Remove, set, add."""
        for name in self._remove:
            headers.remove(name)
        for name, template in self._set:
            # Without a value the client's own must not stay: it would pass for ours.
            if value := template.fill(exchange):
                headers[name] = value
            else:
                headers.remove(name)
        for name, template in self._add:
            if value := template.fill(exchange):
                headers.add(name, value)
