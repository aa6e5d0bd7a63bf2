"""What an operator may write: which traces, in which formats, and where their spans go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    Strict,
    WithJsonSchema,
    model_validator,
)

from flatproxy import Options
from flatproxy.api.values import Duration, File, Flag, Text, describe, parse_text, refuse

TRACES_PATH = "/v1/traces"  # OTLP/HTTP, "OTLP/HTTP Request"
ALWAYS, NEVER = "always", "never"
Format = Literal["w3c", "b3", "b3multi"]
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+", re.IGNORECASE)
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def parse_rate(value: Any) -> str:
    """Accept `always`, `never`, or a share such as `1%` or `0.01%`."""
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if value not in (ALWAYS, NEVER) and match is None:
        raise refuse(f"must be always, never, or a share such as 1%, not {describe(value)}")
    if match and float(match[1]) > 100:
        raise refuse(f"must be from 0% to 100%, not {value}")
    return str(value)


def percent(rate: str) -> float:
    """Return how many of a hundred a rate means."""
    return 100.0 if rate == ALWAYS else 0.0 if rate == NEVER else float(rate.rstrip("%"))


def parse_sampling(value: Any) -> Any:
    """Read a bare rate as the share that is decided here."""
    return value if isinstance(value, Mapping | SamplingOptions) else {"share": value}


def parse_endpoint(value: Any) -> str:
    """Accept the URL of a collector, and say where in it traces go when it does not."""
    text = parse_text(value)
    try:
        url = urlsplit(text)
        known = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        known = False
    if not known:
        raise refuse(f"must be the URL of a collector such as http://127.0.0.1:4318, not {describe(text)}")
    if url.username is not None or url.query or url.fragment:
        # It would be in logs: say nothing of what it is.
        raise refuse("must have no user, query or fragment; what a collector asks for goes into `headers`")
    return text if url.path.strip("/") else text.rstrip("/") + TRACES_PATH


def parse_header_name(value: Any) -> str:
    """Accept the name of a header; lower case, so that two spellings are one."""
    text = parse_text(value)
    if not _HEADER_NAME.fullmatch(text):
        raise refuse(f"must be the name of a header, not {describe(text)}")
    return text.lower()


def parse_header_value(value: Any) -> Any:
    """Read a bare text as the value itself."""
    if not isinstance(value, str | Mapping | HeaderValue):
        raise refuse("must be text (quote it), or {file: ...}")
    return {"value": value} if isinstance(value, str) else value


def parse_secret(value: Any) -> Any:
    """Accept what can be sent in a header, and never say what it was."""
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str):
        raise refuse("must be text (quote it)")
    return SecretStr(checked_header(value))


def checked_header(value: str) -> str:
    """Return a value that can be sent. Raises an error that does not tell it."""
    if not _HEADER_VALUE.fullmatch(value):
        raise refuse("must be a header that can be sent: one line of visible ASCII")
    return value


Rate = Annotated[str, BeforeValidator(parse_rate)]
Endpoint = Annotated[str, BeforeValidator(parse_endpoint)]
Secret = Annotated[SecretStr, BeforeValidator(parse_secret), WithJsonSchema({"type": "string"})]
Many = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]


class SamplingOptions(Options):
    """Exactly one of the two; a bare rate means `share`."""

    share: Rate | None = None
    """How many traces are recorded, whatever the caller has decided: `always`, `never`, `1%`."""
    parent: Rate | None = None
    """What the caller has decided is kept; of traces that begin here so many are recorded."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise refuse("needs exactly one of share, parent")
        return self


class HeaderValue(Options):
    """Exactly one of the two; a bare text means `value`."""

    value: Secret | None = None
    """What is sent. It is never shown."""
    file: File | None = None
    """A file that holds it, and nothing else; read again when it changes."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise refuse("needs exactly one of value, file")
        return self


Sampling = Annotated[SamplingOptions, BeforeValidator(parse_sampling)]
HeaderName = Annotated[str, BeforeValidator(parse_header_name)]
Header = Annotated[HeaderValue, BeforeValidator(parse_header_value)]


class TracingOptions(Options):
    """Without an `endpoint` traces are propagated and logged, and nothing is exported."""

    model_config = ConfigDict(hide_input_in_errors=True)

    endpoint: Endpoint | None = None
    """The collector: an OTLP/HTTP URL, to which `/v1/traces` is added where it has no path."""
    headers: dict[HeaderName, Header] = Field(default_factory=dict)
    """Header fields that the collector asks for: text, or `{file: token}`."""
    ca: File | None = None
    """Certificates (PEM) that vouch for the collector; left out: those that the public web trusts."""
    service: Text = "flatproxy"
    """What the spans say where they come from: `service.name`."""
    resource: dict[Text, Text] = Field(default_factory=dict)
    """More about where they come from, such as `deployment.environment.name`."""
    sampling: Sampling = SamplingOptions(parent="1%")
    """Which traces are recorded: `always`, `never`, `1%`, or `{parent: 1%}`, which keeps what the caller has decided."""
    propagate: Annotated[tuple[Format, ...], Field(min_length=1)] = ("w3c",)
    """How a trace is told: the first of these that a request has is read, all are written."""
    attempts: Flag = False
    """A span for every try at the upstream. Bodies are kept for that, as for a filter that retries."""
    queue: Many = 2048
    """How many recorded requests may wait for their export; what comes on top is dropped and counted."""
    batch: Many = 128
    """How many of them the collector gets at once."""
    interval: Duration = timedelta(seconds=1)
    """How long they wait for others to go with."""
    timeout: Duration = timedelta(seconds=10)
    """How long a batch is tried, over and over; then it is dropped and counted."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.endpoint is None and (self.headers or self.ca):
            raise refuse("has `headers` or `ca` but no `endpoint`: there is nobody to export to")
        if self.batch > self.queue:
            raise refuse("has a `batch` that is larger than the `queue`")
        if len(set(self.propagate)) < len(self.propagate):
            raise refuse("has a format twice in `propagate`")
        return self
