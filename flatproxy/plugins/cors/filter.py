"""Answers preflights, and marks the responses that a page of another origin may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy import Counter, Exchange, Filter, Host, Respond
from flatproxy.plugins.cors.options import ANY, CorsOptions
from flatproxy.plugins.cors.origins import Origins

if TYPE_CHECKING:
    from flatproxy import Headers

ALLOW_ORIGIN = "access-control-allow-origin"
ALLOW_CREDENTIALS = "access-control-allow-credentials"
EXPOSE = "access-control-expose-headers"
ASKED_METHOD = "access-control-request-method"
ASKED_HEADERS = "access-control-request-headers"
# What an upstream says of these would contradict what the operator wrote.
_OURS = (
    ALLOW_ORIGIN,
    ALLOW_CREDENTIALS,
    EXPOSE,
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-max-age",
)


class Cors(Filter):
    """Lets pages of other origins read the answers, as the Fetch standard has it."""

    name = "cors"
    Options = CorsOptions
    options: CorsOptions
    _preflights: Counter

    def __init__(self, options: CorsOptions) -> None:
        super().__init__(options)
        self._origins = Origins(options.origins)
        self._any_header = ANY in options.headers
        self._allowed = _preflight_fields(options)
        self._marks = _response_fields(options)

    def open(self, host: Host) -> None:
        """Declare the metric."""
        self._preflights = host.metrics.counter(
            "preflights_total", "Preflights that were answered: allowed, refused.", ("result",)
        )

    def on_request(self, exchange: Exchange) -> Respond | None:
        """Answer a preflight; of other requests only remember who asks."""
        headers = exchange.request.headers
        origins = headers.get_all("origin")
        if not origins:
            return None
        # Two are none: it cannot be said which of them a browser sent.
        exchange.state = answer = self._origins.answer_to(origins[0]) if len(origins) == 1 else None
        if exchange.request.method == "OPTIONS" and ASKED_METHOD in headers:
            return self._preflight(answer, headers)
        return None

    def on_response(self, exchange: Exchange) -> None:
        """Say who may read this; to caches, that it depends on who asked."""
        headers = exchange.response.headers
        for name in _OURS:
            headers.remove(name)
        answer = exchange.state
        if self._origins.anybody:
            answer = ANY  # also where nobody of another origin asked: a cache may keep this for one who does
        else:
            _vary(headers)
        if answer is not None:
            headers[ALLOW_ORIGIN] = answer
            for name, value in self._marks:
                headers[name] = value

    def _preflight(self, answer: str | None, headers: Headers) -> Respond:
        vary = ("vary", f"origin, {ASKED_METHOD}, {ASKED_HEADERS}")
        if answer is None:
            self._preflights.add(result="refused")
            return Respond(403, "this origin is not allowed\n", headers=(vary,))
        self._preflights.add(result="allowed")
        asked = headers.get_all(ASKED_HEADERS) if self._any_header else []
        wanted = (("access-control-allow-headers", ", ".join(asked)),) if asked else ()
        return Respond(204, headers=((ALLOW_ORIGIN, answer), *self._allowed, *wanted, vary))


def _preflight_fields(options: CorsOptions) -> tuple[tuple[str, str], ...]:
    """Return what every preflight is answered with; the Fetch standard, section 3.3.3."""
    fields = [("access-control-allow-methods", ", ".join(options.methods))] if options.methods else []
    if options.headers and ANY not in options.headers:
        fields.append(("access-control-allow-headers", ", ".join(options.headers)))
    if options.credentials:
        fields.append((ALLOW_CREDENTIALS, "true"))
    return (*fields, ("access-control-max-age", str(int(options.max_age.total_seconds()))))


def _response_fields(options: CorsOptions) -> tuple[tuple[str, str], ...]:
    credentials = [(ALLOW_CREDENTIALS, "true")] if options.credentials else []
    return (*credentials, *([(EXPOSE, ", ".join(options.expose))] if options.expose else []))


def _vary(headers: Headers) -> None:
    """RFC 9110 section 12.5.5; a cache that gave one origin's answer to another would break or leak it."""
    named = {word.strip().lower() for line in headers.get_all("vary") for word in line.split(",")}
    if not named & {"origin", "*"}:
        headers.add("vary", "origin")
