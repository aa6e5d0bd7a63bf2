"""`upstreams:` -- the services, their endpoints, and how they are spoken to and watched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Tag, WithJsonSchema

from flatproxy.config.listeners import TlsMode, TlsVersion
from flatproxy.config.network import DnsName, EndpointAddress, HeaderName, Host, SpiffeId
from flatproxy.config.routes import HEAVIEST_WEIGHT
from flatproxy.config.values import (
    EITHER,
    Count,
    Duration,
    File,
    Flag,
    Model,
    Name,
    Share,
    Text,
    describe,
    refuse,
)

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class StatusRange:
    """Status codes from `low` to `high`, both included."""

    low: int
    high: int


def parse_status_range(value: Any) -> StatusRange:
    """Accept `200` or `"200-399"`."""
    if isinstance(value, StatusRange):
        return value
    match = re.fullmatch(r"(\d{3})(?:-(\d{3}))?", str(value)) if isinstance(value, int | str) else None
    if not match:
        raise refuse(f"must be a status code such as 200, or a range such as 200-399, not {describe(value)}")
    low, high = int(match[1]), int(match[2] or match[1])
    if not 100 <= low <= high <= 599:
        raise refuse(f"status codes go from 100 to 599, the lower one first, not {value}")
    return StatusRange(low, high)


# === endpoints ===


class Endpoint(Model):
    """One address of a service."""

    address: EndpointAddress
    """`IP:port` or `name:port`; of a name, every address is used."""
    weight: Annotated[int, Field(strict=True, ge=1, le=HEAVIEST_WEIGHT)] = 1
    """Its share of the requests, relative to the others."""


def parse_endpoint_text(value: Any) -> Any:
    """Read the short form: the address alone."""
    return value if isinstance(value, dict | Endpoint) else {"address": value}


EndpointText = Annotated[
    Endpoint, BeforeValidator(parse_endpoint_text, json_schema_input_type=str | Endpoint)
]


# === balance ===


class HashHeader(Model):
    """Requests with the same value of a header go to the same endpoint."""

    header: HeaderName
    """The header."""


HashKey = Annotated[
    Annotated[Literal["path", "source", "peer"], Tag("(word)")] | Annotated[HashHeader, Tag("(mapping)")],
    EITHER,
]


class RingHash(Model):
    """Requests with the same key go to the same endpoint."""

    ring_hash: HashKey
    """The key: `{header: NAME}`, `path`, `source` (the client's address) or `peer` (its SPIFFE id)."""


def parse_balance(value: Any) -> Any:
    """Ask for the key that a hash cannot do without."""
    if value == "ring_hash":
        raise refuse("ring_hash needs a key: {ring_hash: path}, source, peer, or {header: NAME}")
    return value


Balance = Annotated[
    Annotated[Literal["round_robin", "least_request", "random"], Tag("(word)")]
    | Annotated[RingHash, Tag("(mapping)")],
    EITHER,
    BeforeValidator(parse_balance),
]


# === tls ===


class UpstreamTls(Model):
    """How a service is spoken to over TLS."""

    mode: TlsMode
    """`off`: plain text. `simple`: the service shows a certificate. `mutual`: we show ours too."""
    identity: SpiffeId | None = None
    """The certificate must carry exactly this SPIFFE id."""
    name: DnsName | None = None
    """The certificate must carry this DNS name. Left out with no `identity`: the one DNS name of the endpoints."""
    sni: DnsName | None = None
    """The name that is asked for in the handshake. Left out: `name`, or the endpoint's own DNS name."""
    ca: File | None = None
    """The CA certificates that the service is verified against, PEM. Left out: the one of `identity`."""
    crl: File | None = None
    """Revoked certificates of the service, PEM."""
    min_version: TlsVersion = "1.2"
    """The oldest TLS version that is spoken."""

    def files(self) -> tuple[Path, ...]:
        """Return every file that is named here."""
        return tuple(path for path in (self.ca, self.crl) if path is not None)


# === health ===


class HttpProbe(Model):
    """An HTTP request that a healthy endpoint answers well."""

    path: Text = "/healthz"
    """What is asked for."""
    host: Host | None = None
    """The `Host` that is sent. Left out: the endpoint's own."""
    status: Annotated[
        StatusRange, BeforeValidator(parse_status_range), WithJsonSchema({"type": ["integer", "string"]})
    ] = StatusRange(200, 200)
    """The status codes that count as healthy: `200`, or a range such as `200-399`."""


class HealthCheck(Model):
    """Asking endpoints how they are: exactly one of `http` and `tcp`."""

    http: HttpProbe | None = None
    """Ask over HTTP."""
    tcp: Flag | None = None
    """`true`: a connection that can be made is enough."""
    interval: Duration = timedelta(seconds=5)
    """Between two probes of one endpoint."""
    timeout: Duration = timedelta(seconds=1)
    """How long an answer may take."""
    healthy: Count = 2
    """Successes in a row that bring an endpoint back."""
    unhealthy: Count = 3
    """Failures in a row that take it out."""


class Ejection(Model):
    """Setting endpoints aside for what the traffic itself shows."""

    failures: Count = 5
    """Failures in a row (connect, reset, time-out, 5xx) that eject an endpoint."""
    base: Duration = timedelta(seconds=30)
    """The first ejection lasts this long, the n-th n times as long..."""
    max: Duration = timedelta(seconds=300)
    """...but never longer than this."""
    panic: Share = 50
    """Below this share of usable endpoints, health is ignored and all are used."""


EjectionOrOff = Annotated[
    Annotated[Literal["off"], Tag("(word)")] | Annotated[Ejection, Tag("(mapping)")],
    EITHER,
]


class Upstream(Model):
    """A named service."""

    name: Name
    """Routes send requests to it by this name."""
    endpoints: Annotated[tuple[EndpointText, ...], Field(min_length=1)]
    """Its addresses."""
    balance: Balance = "round_robin"
    """How an endpoint is picked: `round_robin`, `least_request`, `random`, or `{ring_hash: KEY}`."""
    tls: UpstreamTls | None = None
    """Left out: plain text."""
    connect_timeout: Duration = timedelta(seconds=5)
    """How long making a connection may take, TLS handshake included."""
    idle_timeout: Duration = timedelta(seconds=55)
    """How long a connection may wait unused."""
    max_connections: Count = 1024
    """Open connections to the service."""
    max_pending: Count = 1024
    """Requests that wait for a connection to be made."""
    max_requests: Count = 1024
    """Requests under way."""
    health_check: HealthCheck | None = None
    """Left out: endpoints are not asked."""
    ejection: EjectionOrOff = Ejection()
    """`off`, or when an endpoint is set aside; on unless switched off."""

    def common_name(self) -> str | None:
        """Return the DNS name of the endpoints, when they all have the same."""
        names = {endpoint.address.host for endpoint in self.endpoints if endpoint.address.ip is None}
        alone = len(names) == 1 and all(endpoint.address.ip is None for endpoint in self.endpoints)
        return names.pop() if alone else None
