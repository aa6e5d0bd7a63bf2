"""`routes:` -- which requests, through which filters, to where."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from flatproxy.config.network import (
    HeaderName,
    HeaderValue,
    Host,
    HostPattern,
    Method,
    unique_header_names,
    words,
)
from flatproxy.config.values import (
    Duration,
    DurationOrZero,
    Flag,
    Model,
    Name,
    Size,
    Text,
    describe,
    refuse,
)

HEAVIEST_WEIGHT = 1_000_000


# === match ===


class PathMatch(Model):
    """Exactly one of the three."""

    exact: Text | None = None
    """The whole path."""
    prefix: Text | None = None
    """By segment: `/v1` takes `/v1` and `/v1/x`, never `/v10`."""
    regex: Text | None = None
    """The whole path must match. Linear time: no look-around, no back-references."""


class ValueMatch(Model):
    """Exactly one of the four; a bare text means `exact`."""

    exact: str | None = None
    """The whole value."""
    prefix: Text | None = None
    """How the value starts."""
    regex: Text | None = None
    """The whole value must match."""
    present: Flag | None = None
    """`true`: there at all, `false`: absent."""


def parse_path_match(value: Any) -> Any:
    """Ask for the kind of match when only a path is written."""
    if isinstance(value, str):
        raise refuse(f"must say how to match; did you mean '{{prefix: {value}}}' or '{{exact: {value}}}'?")
    return value


def parse_value_match(value: Any) -> Any:
    """Read the short form of an exact match."""
    if isinstance(value, str):
        return {"exact": value}
    if not isinstance(value, dict | ValueMatch):
        hint = (
            f"; quote it: '{value}'" if isinstance(value, int | float) and not isinstance(value, bool) else ""
        )
        raise refuse(f"must be text or one of exact, prefix, regex, present, not {describe(value)}{hint}")
    return value


ValueMatchText = Annotated[
    ValueMatch, BeforeValidator(parse_value_match, json_schema_input_type=str | ValueMatch)
]
Hosts = Annotated[
    tuple[HostPattern, ...],
    Field(min_length=1),
    BeforeValidator(words, json_schema_input_type=str | list[str]),
]


class RouteMatch(Model):
    """All that is given must hold; nothing given matches every request."""

    host: Hosts | None = None
    """One or more hosts, without a port: `orders.demo`, `*.demo` (one or more labels before `.demo`)."""
    path: Annotated[PathMatch, BeforeValidator(parse_path_match)] | None = None
    """How the path must look, after normalisation."""
    methods: Annotated[tuple[Method, ...], Field(min_length=1)] | None = None
    """Any of these methods."""
    headers: Annotated[dict[HeaderName, ValueMatchText], BeforeValidator(unique_header_names)] = Field(
        default_factory=dict
    )
    """Each of these headers; a repeated header matches when any of its values does."""
    query: dict[Text, ValueMatchText] = Field(default_factory=dict)
    """Each of these query parameters."""


# === filters ===


class FilterLimits(Model):
    """What a filter may use up in one call."""

    cpu: Duration | None = None
    """Running time of one call."""
    memory: Size | None = None
    """Memory of the filter."""


class FilterUse(Model):
    """One filter of a route."""

    use: Text
    """The name of an installed filter, or a file: `./deny_list.py`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the filter is set to; the filter says what it takes."""
    fail: Literal["closed", "open"] = "closed"
    """What a failure of the filter means: answer 503, or carry on without it."""
    timeout: Duration = timedelta(seconds=1)
    """The longest time that a phase may take; a longer one has failed, and what it says later is not heard."""
    impl: Literal["python", "wasm"] | None = None
    """Which one, for a filter that comes in both kinds."""
    limits: FilterLimits | None = None
    """What it may use up."""


# === actions ===


class WeightedUpstream(Model):
    """One of several upstreams."""

    name: Text
    """The name of an upstream."""
    weight: Annotated[int, Field(strict=True, ge=0, le=HEAVIEST_WEIGHT)] = 1
    """Its share of the requests, relative to the others; 0: none."""


def parse_upstreams(value: Any) -> Any:
    """Read the short form: one name."""
    if isinstance(value, str):
        return [{"name": value}]
    if isinstance(value, list | tuple):
        return [{"name": item} if isinstance(item, str) else item for item in value]
    raise refuse(f"must be the name of an upstream, or a list of {{name, weight}}, not {describe(value)}")


class Redirect(Model):
    """An answer that sends the client elsewhere. What is left out stays as the client sent it."""

    status: Literal[301, 302, 303, 307, 308] = 302
    """The status code."""
    scheme: Literal["http", "https"] | None = None
    """The new scheme."""
    host: Host | None = None
    """The new host, with a port where it needs one."""
    path: HeaderValue | None = None
    """Replaces the whole path; the query is kept."""
    prefix: HeaderValue | None = None
    """Replaces what the route's path matched."""


class DirectResponse(Model):
    """An answer from the file itself."""

    status: Annotated[int, Field(strict=True, ge=200, le=599)] = 200
    """The status code."""
    headers: Annotated[dict[HeaderName, HeaderValue], BeforeValidator(unique_header_names)] = Field(
        default_factory=dict
    )
    """The header fields."""
    body: str = ""
    """The body, sent as UTF-8."""


class Rewrite(Model):
    """What the upstream sees in place of what the client sent."""

    prefix: HeaderValue | None = None
    """Replaces what the route's path matched (exact: the whole path)."""
    host: Host | None = None
    """The `Host` that the upstream sees."""


class HeaderEdits(Model):
    """Changes to header fields, in this order: remove, set, add."""

    remove: tuple[HeaderName, ...] = ()
    """Taken away, all of that name."""
    set: Annotated[dict[HeaderName, HeaderValue], BeforeValidator(unique_header_names)] = Field(
        default_factory=dict
    )
    """Written in place of all of that name."""
    add: Annotated[dict[HeaderName, HeaderValue], BeforeValidator(unique_header_names)] = Field(
        default_factory=dict
    )
    """Written beside those that are there."""


# Frozen, so one serves all routes: pydantic would copy them for each.
EVERY_REQUEST = RouteMatch()
NO_EDITS = HeaderEdits()


class Route(Model):
    """A match, the filters, and what is done: exactly one of `upstream`, `redirect`, `respond`."""

    name: Name
    """Stands in logs and metrics."""
    match: RouteMatch = Field(default_factory=lambda: EVERY_REQUEST)
    """Which requests; left out: every one."""
    filters: tuple[FilterUse, ...] = ()
    """In the order of the request; the response passes them in reverse."""
    upstream: (
        Annotated[
            tuple[WeightedUpstream, ...],
            Field(min_length=1),
            BeforeValidator(parse_upstreams, json_schema_input_type=str | list[str | WeightedUpstream]),
        ]
        | None
    ) = None
    """Where the request goes: a name, or a list of `{name, weight}`."""
    redirect: Redirect | None = None
    """Send the client elsewhere."""
    respond: DirectResponse | None = None
    """Answer from the file."""
    rewrite: Rewrite | None = None
    """What the upstream sees in place of what the client sent."""
    request_headers: HeaderEdits = Field(default_factory=lambda: NO_EDITS)
    """Changes to the header of the request on its way to the upstream."""
    response_headers: HeaderEdits = Field(default_factory=lambda: NO_EDITS)
    """Changes to the header of the response on its way to the client."""
    timeout: DurationOrZero = timedelta(seconds=15)
    """From the whole request head to the end of the response; 0: no limit."""
