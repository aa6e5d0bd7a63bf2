"""`listeners:` -- where connections are accepted, how TLS is spoken there, and what is believed of a client."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from flatproxy.config.network import HeaderName, ListenAddress, NetworkText, Token
from flatproxy.config.routes import Route
from flatproxy.config.values import (
    Count,
    Duration,
    File,
    Flag,
    Model,
    Name,
    Size,
    SizeOrZero,
    refuse,
)

if TYPE_CHECKING:
    from pathlib import Path


def parse_protocol(value: Any) -> Any:
    """Tell a protocol that is still to come from one that is misspelt."""
    if value in ("tcp", "tls_passthrough"):
        raise refuse(f"protocol {value} is not supported by this version; http is")
    return value


def parse_tls_version(value: Any) -> Any:
    """Accept `1.2` with and without quotes."""
    return str(value) if isinstance(value, float) else value


TlsVersion = Annotated[
    Literal["1.2", "1.3"],
    BeforeValidator(parse_tls_version),
    WithJsonSchema({"enum": ["1.2", "1.3", 1.2, 1.3]}),
]
TlsMode = Literal["off", "simple", "mutual"]


class CertificateFiles(Model):
    """A certificate and its key."""

    cert: File
    """The certificate chain, PEM, leaf first."""
    key: File
    """Its private key, PEM, without a passphrase."""


class ListenerTls(Model):
    """How a listener speaks TLS."""

    mode: TlsMode
    """`off`: plain text. `simple`: we show a certificate. `mutual`: the client has to show one too."""
    certificates: Annotated[tuple[CertificateFiles, ...], Field(min_length=1)] | None = None
    """Chosen by the name that the client asks for; the first one answers when none fits. Left out: ours from `identity`."""
    client_ca: File | None = None
    """Mutual: the CA certificates for clients, PEM. Left out: the one of `identity`."""
    crl: File | None = None
    """Mutual: revoked client certificates, PEM. Left out: the list of `identity`, if it has one."""
    min_version: TlsVersion = "1.2"
    """The oldest TLS version that is spoken."""

    def files(self) -> tuple[Path, ...]:
        """Return every file that is named here."""
        pairs = [path for pair in self.certificates or () for path in (pair.cert, pair.key)]
        return (*pairs, *(path for path in (self.client_ca, self.crl) if path is not None))


class Limits(Model):
    """What one listener gives to its clients at most."""

    head: Annotated[Size, Field(ge=1024, le=16 << 20)] = 64 << 10
    """Bytes of a request head, and of a reply head."""
    headers: Annotated[int, Field(strict=True, ge=1, le=65535)] = 100
    """Header fields in a head."""
    head_timeout: Duration = timedelta(seconds=10)
    """From the first byte of a request head to its last."""
    idle_timeout: Duration = timedelta(seconds=60)
    """How long a connection may wait between two requests."""
    tls_handshake_timeout: Duration = timedelta(seconds=10)
    """From accepting a connection to the end of its TLS handshake."""
    stall_timeout: Duration = timedelta(seconds=30)
    """The longest pause within a body, in either direction."""
    held_body: Size = 1 << 20
    """Bytes of a request body that may be kept for a replay or for a filter."""
    write_buffer: Annotated[Size, Field(ge=4096)] = 64 << 10
    """Bytes that may wait for a slow reader before its writer is stopped."""
    body: SizeOrZero = 0
    """Bytes of a request body; 0: no limit."""
    connections: Count = 10_000
    """Open connections of the listener."""


class Paths(Model):
    """How a path is normalised before the routes, the filters and the upstream see it."""

    dot_segments: Literal["resolve", "reject"] = "resolve"
    """`.` and `..` segments, plain or percent-encoded."""
    encoded_slash: Literal["reject", "keep", "decode"] = "reject"
    """`%2f` and `%5c`: one segment for one reader, two for another."""
    merge_slashes: Flag = True
    """`//` becomes `/`."""


class Forwarded(Model):
    """What the upstream is told of the client, and whose word is taken for it."""

    x_forwarded_for: Literal["append", "replace", "remove"] = "append"
    """`append` ours to what a trusted client sent, `replace` it all by ours, or `remove` it."""
    x_forwarded_proto: Flag = True
    """Send `x-forwarded-proto` and `x-forwarded-host`."""
    via: Token | None = "flatproxy"
    """Our name in `Via`; null: none is sent."""
    request_id: Literal["keep", "make", "off"] = "keep"
    """`x-request-id`: `keep` a trusted client's, always `make` one, or `off`."""
    client_cert_header: HeaderName = "x-forwarded-client-cert"
    """Carries the verified identity of the client; always dropped when a client sends it."""
    trusted: tuple[NetworkText, ...] = ()
    """Networks whose forwarding headers and request ids are kept."""


class Listener(Model):
    """One address that accepts connections, and its routes."""

    name: Name
    """Stands in logs and metrics."""
    listen: ListenAddress
    """`IP:port`; `0.0.0.0:80` and `[::]:80` are every address of their family, port 0 is one that the system chooses."""
    protocol: Annotated[Literal["http"], BeforeValidator(parse_protocol)] = "http"
    """What is spoken: `http`."""
    tls: ListenerTls | None = None
    """Left out: plain text."""
    limits: Limits | None = None
    """Keys given here replace those of the file's own `limits`."""
    paths: Paths = Paths()
    """How paths are normalised."""
    forwarded: Forwarded = Forwarded()
    """What the upstream is told of the client."""
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    """Tried by specificity, not by order: see [routing](routing.md)."""
