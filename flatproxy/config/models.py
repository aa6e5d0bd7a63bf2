"""The whole file as a frozen model. The parts have files of their own, one per noun.

Only shapes and single values are judged here; what two keys say about each other is in `checks/`.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, WithJsonSchema

from flatproxy.config.identity import Identity
from flatproxy.config.listeners import Limits, Listener
from flatproxy.config.network import ListenAddress, NameServer
from flatproxy.config.source import Source, nowhere
from flatproxy.config.upstreams import Upstream
from flatproxy.config.values import Duration, File, Model, describe, parse_file, parse_text, refuse

MOST_WORKERS = 256
_LOG_WORDS = ("stdout", "stderr", "off")


def parse_workers(value: Any) -> Any:
    """Accept `auto` or a number of threads."""
    if value == "auto" or (
        isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_WORKERS
    ):
        return value
    raise refuse(f"must be auto or a number from 1 to {MOST_WORKERS}, not {describe(value)}")


def parse_access_log(value: Any, info: ValidationInfo) -> Any:
    """Accept one of the words, or the path of a file. A bare word is no path: it would hide a slip."""
    text = str(value) if isinstance(value, Path) else parse_text(value)
    if text in _LOG_WORDS:
        return text
    if "/" not in text and "." not in text:
        raise refuse(f"must be {', '.join(_LOG_WORDS)} or a file path; did you mean './{text}'?")
    return parse_file(text, info)


class Admin(Model):
    """The address for metrics, health and state. It never serves traffic."""

    listen: ListenAddress
    """`IP:port`."""
    token_file: File | None = None
    """A file with the bearer token that clients must send; needed unless `listen` is on loopback."""


class Dns(Model):
    """How the names of endpoints are resolved."""

    servers: tuple[NameServer, ...] = ()
    """Name servers, `IP:port`; none: those of the system."""
    refresh: Duration = timedelta(seconds=30)
    """The longest time that a name is used before it is asked for again; a shorter TTL wins."""


Workers = Annotated[
    int | Literal["auto"],
    BeforeValidator(parse_workers),
    WithJsonSchema(
        {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": MOST_WORKERS}]}
    ),
]
AccessLog = Annotated[
    Literal["stdout", "stderr", "off"] | Path,
    BeforeValidator(parse_access_log),
    WithJsonSchema({"type": "string"}),
]


class Config(Model):
    """FlatProxy's configuration file."""

    admin: Admin | None = None
    """Left out: no admin address."""
    workers: Workers = "auto"
    """Data threads; `auto`: one per core."""
    drain: Duration = timedelta(seconds=30)
    """How long a stop waits for exchanges under way."""
    access_log: AccessLog = "stdout"
    """`stdout`, `stderr`, `off` or a file path: one JSON line per exchange."""
    dns: Dns = Dns()
    """Name servers, and how long an answer of theirs is used."""
    identity: Identity | None = None
    """Left out: none; TLS then needs files of its own, and there is no `mutual`."""
    limits: Limits = Limits()
    """For every listener that does not say otherwise."""
    listeners: Annotated[tuple[Listener, ...], Field(min_length=1)]
    """Where connections are accepted."""
    upstreams: tuple[Upstream, ...] = ()
    """The services; none are needed when every route redirects or responds."""

    _source: Source = PrivateAttr(default_factory=lambda: nowhere(Path.cwd()))

    @property
    def source(self) -> Source:
        """The file this was read from."""
        return self._source

    def read_from(self, source: Source) -> Config:
        """Return self, remembering its file."""
        self._source = source
        return self

    def tls_files(self) -> tuple[Path, ...]:
        """Return the certificates, keys, authorities and revocation lists named by listeners and upstreams."""
        sections = (*(one.tls for one in self.listeners), *(one.tls for one in self.upstreams))
        return tuple(path for tls in sections if tls is not None for path in tls.files())

    def limits_of(self, listener: Listener) -> Limits:
        """Return the limits of a listener: its own keys over those of the file."""
        if listener.limits is None:
            return self.limits
        own = {key: getattr(listener.limits, key) for key in listener.limits.model_fields_set}
        return self.limits.model_copy(update=own)

    def worker_count(self) -> int:
        """Return the number of data threads."""
        return len(os.sched_getaffinity(0)) if self.workers == "auto" else self.workers
