"""Recordings -> spans of OpenTelemetry, named and described by its conventions for HTTP, version 1.23 and later.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/ -- what is ours begins with `flatproxy.`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from flatproxy.plugins.tracing.context import RANDOM, SAMPLED
from flatproxy.plugins.tracing.recording import NANOSECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flatproxy.plugins.tracing.options import TracingOptions
    from flatproxy.plugins.tracing.recording import Recording, Try

Values = dict[str, str | int | float]

_SCOPE = InstrumentationScope("flatproxy.tracing")
# RFC 9110 section 9, RFC 5789. Anything else is the client's invention, and would make as many names of spans.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
_OTHER = "_OTHER"
# The client's own doing, whatever was sent by then.
_CLIENT_GONE = "CLIENT_GONE"
_LONGEST = 1024  # characters of one value


class SpanMaker:
    """Makes the spans of one collector."""

    def __init__(self, options: TracingOptions) -> None:
        self._resource = Resource.create({**options.resource, "service.name": options.service})

    def make(self, recording: Recording) -> Iterator[ReadableSpan]:
        """Yield the span of the exchange, and those of its tries below it."""
        state = TraceState(recording.state)
        own = _context(recording, recording.span_id, state)
        above = recording.parent_id
        yield self._span(
            own,
            _context(recording, above, state, remote=True) if above else None,
            name=f"{_method(recording.method) or 'HTTP'} {recording.route}",
            kind=SpanKind.SERVER,
            attributes=_exchange(recording),
            error=_error(recording),
            times=(recording.ended - round(recording.duration * NANOSECONDS), recording.ended),
        )
        for one in recording.tries:
            yield self._span(
                _context(recording, one.span_id, state),
                own,
                name=_method(recording.method) or "HTTP",
                kind=SpanKind.CLIENT,
                attributes=_try(recording, one),
                error=_error_of_try(one),
                times=(_at(recording, one.began), _at(recording, one.ended)),
            )

    def _span(
        self,
        context: SpanContext,
        parent: SpanContext | None,
        *,
        name: str,
        kind: SpanKind,
        attributes: Values,
        error: str,
        times: tuple[int, int],
    ) -> ReadableSpan:
        if error:
            attributes["error.type"] = error
        return ReadableSpan(
            name,
            context,
            parent,
            resource=self._resource,
            attributes=attributes,
            kind=kind,
            status=Status(StatusCode.ERROR if error else StatusCode.UNSET),
            start_time=times[0],
            end_time=times[1],
            instrumentation_scope=_SCOPE,
        )


# === what is said of an exchange ===


def _exchange(recording: Recording) -> Values:
    address, port = split_host(recording.host)
    said: Values = {
        **_method_values(recording.method),
        "url.path": _text(recording.path),
        "url.scheme": "https" if recording.secure else "http",
        "server.address": address,
        "client.address": recording.address,
        "client.port": recording.port,
        "http.request.body.size": recording.received,
        "http.response.body.size": recording.sent,
        "flatproxy.route": recording.route,
        "flatproxy.attempts": recording.attempts,
    }
    maybe = {
        "server.port": port,
        "http.response.status_code": recording.status,
        "user_agent.original": _text(recording.agent or ""),
        "flatproxy.peer": recording.peer,
        "flatproxy.upstream": recording.upstream,
        "flatproxy.endpoint": recording.endpoint,
        "flatproxy.flag": recording.flag,
    }
    said |= {name: value for name, value in maybe.items() if value}
    said |= {f"flatproxy.filter.{name}.seconds": seconds for name, seconds in recording.filters.items()}
    return said


def _error(recording: Recording) -> str:
    """Return `error.type`; empty: nothing that this side has to answer for."""
    status, flag = recording.status, recording.flag
    if status >= 500:
        return flag or str(status)
    # A response that was begun well, and cut.
    return flag if status < 400 and flag != _CLIENT_GONE else ""


# === what is said of a try ===


def _try(recording: Recording, one: Try) -> Values:
    address, port = split_host(one.endpoint or "")
    said: Values = {
        **_method_values(recording.method),
        "url.path": _text(recording.path),
        "server.address": address,
        "flatproxy.attempt": one.number,
    }
    maybe = {
        "server.port": port,
        "http.response.status_code": one.status,
        "http.request.resend_count": one.number - 1,
        "flatproxy.upstream": recording.upstream,
        "flatproxy.flag": one.flag,
    }
    return said | {name: value for name, value in maybe.items() if value}


def _error_of_try(one: Try) -> str:
    """For who asks, a 4xx is an error, too."""
    if one.flag and one.flag != _CLIENT_GONE:
        return one.flag
    return str(one.status) if one.status and one.status >= 400 else ""


def _at(recording: Recording, moment: float | None) -> int:
    """Turn a moment on the monotonic clock into one on the wall clock."""
    return recording.ended - round((recording.now - (moment or recording.now)) * NANOSECONDS)


# === parts ===


def _context(recording: Recording, span_id: str, state: TraceState, *, remote: bool = False) -> SpanContext:
    flags = TraceFlags(recording.flags & (SAMPLED | RANDOM))
    return SpanContext(int(recording.trace_id, 16), int(span_id, 16), remote, flags, state)


def _method(method: str) -> str:
    return method if method in _METHODS else ""


def _method_values(method: str) -> Values:
    if known := _method(method):
        return {"http.request.method": known}
    return {"http.request.method": _OTHER, "http.request.method_original": _text(method)}


def split_host(text: str) -> tuple[str, int | None]:
    """Split `host:port`, `[::1]:80`, or a host alone."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or host.endswith(":") or ("]" in text and not host.endswith("]")):
        return _text(text.strip("[]")), None
    return _text(host.strip("[]")), int(port)


def _text(value: str) -> str:
    """Make text that can be encoded: bytes of a client that are none come as surrogates."""
    return value[:_LONGEST].encode("utf-8", "replace").decode()
