"""What an operator may write: how many, for whom, and where it is counted."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, Strict, model_validator

from flatproxy import Options
from flatproxy.api.values import Duration, File, Flag, describe, parse_text, refuse

MOST_TOKENS = 1_000_000
_WINDOWS = {"per_second": 1, "per_minute": 60, "per_hour": 3600}
# RFC 9110 section 5.6.2.
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# It stands in a header as a string of RFC 9651, and in the names of keys in Redis.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


# === parts ===


def parse_header(value: Any) -> str:
    """Accept the name of a header; lower case, so that two spellings are one."""
    text = parse_text(value)
    if not _HEADER.fullmatch(text):
        raise refuse(f"must be the name of a header, not '{text}'")
    return text.lower()


def parse_name(value: Any) -> str:
    """Accept a word that can stand anywhere."""
    text = parse_text(value)
    if not _NAME.fullmatch(text):
        raise refuse(f"must be letters, digits, '.', '_' and '-', 64 at most, not '{text}'")
    return text


def parse_part(value: Any) -> Any:
    """Read a bare word as what it is taken from."""
    return {"of": value} if isinstance(value, str) else value


def one_or_many(value: Any) -> Any:
    """Read a single part as a list of one."""
    if not isinstance(value, list | tuple):
        return [value]
    if not value:
        raise refuse("must not be empty; leave it out, or fill it")
    return value


def parse_url(value: Any) -> str:
    """Accept where a Redis is. What is refused is not repeated: it may hold a password."""
    if not isinstance(value, str):
        raise refuse(f"must be a URL such as redis://cache.demo:6379/0, not {describe(value)}")
    try:
        url = urlsplit(value)
        place = url.path if url.scheme == "unix" else url.hostname
        _ = url.port
    except ValueError:
        place = None
    if not place or url.scheme not in {"redis", "rediss", "unix"}:
        raise refuse("must be redis://host:port/0, rediss:// (TLS), or unix:///path/of/its.sock")
    return value


Tokens = Annotated[int, Strict(), Field(ge=1, le=MOST_TOKENS)]
Few = Annotated[int, Strict(), Field(ge=1, le=1000)]
HeaderName = Annotated[str, BeforeValidator(parse_header)]
Name = Annotated[str, BeforeValidator(parse_name)]
Status = Annotated[int, Strict(), Field(ge=400, le=599)]
Keys = Annotated[int, Strict(), Field(ge=1, le=10_000_000)]


class KeyPart(Options):
    """Exactly one of the two; a bare word means `of`."""

    of: Literal["peer", "address", "path"] | None = None
    """`peer`: the SPIFFE id; `address`: where the connection comes from, of IPv6 the /64; `path`: without the query."""
    header: HeaderName | None = None
    """The value of this header. Who has none, or several, shares a bucket with all of those."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise refuse(f"needs exactly one of {', '.join(type(self).model_fields)}")
        return self


Part = Annotated[KeyPart, BeforeValidator(parse_part)]


class RedisOptions(Options):
    """Count in Redis, for all nodes together."""

    # Without repr: what holds a password is not shown by accident.
    url: Annotated[str, BeforeValidator(parse_url)] = Field(repr=False)
    """Where it is: `redis://`, `rediss://` (TLS) or `unix://`, with user and number of the database if there are any."""
    password_file: File | None = None
    """Its password, on the first line; read when the filter begins. Better than a password in the URL."""
    ca: File | None = None
    """Certificates (PEM) that vouch for a `rediss://` host; left out: those that the public web trusts."""
    prefix: Name = "flatproxy"
    """What its keys begin with. Nodes with the same prefix, listener, route and `name` share their buckets."""
    timeout: Duration = timedelta(milliseconds=100)
    """How long a request waits for it, connecting included. Shorter than the time-out of the filter on its route."""
    fail: Literal["local", "open", "closed"] = "local"
    """While it does not answer: count here with the same numbers, let everybody in, or answer 503."""
    failures: Few = 5
    """After so many in a row it is left alone."""
    pause: Duration = timedelta(seconds=5)
    """For so long; then one request tries it again."""
    connections: Few = 16
    """At most."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        url = urlsplit(self.url)
        if self.ca is not None and url.scheme != "rediss":
            raise refuse("has `ca`, which is for a rediss:// URL")
        if self.password_file is not None and url.password is not None:
            raise refuse("has a password in `url` and a `password_file`")
        return self


# === the options ===


class RateLimitOptions(Options):
    """Exactly one of `per_second`, `per_minute` and `per_hour`."""

    per_second: Tokens | None = None
    """So many requests a second, for each key."""
    per_minute: Tokens | None = None
    """So many a minute. They come back evenly: 60 a minute is one every second."""
    per_hour: Tokens | None = None
    """So many an hour."""
    burst: Tokens | None = None
    """How many may come at once, after a time without any. Left out: those of one second, at least 1."""
    key: Annotated[tuple[Part, ...], BeforeValidator(one_or_many)] = ()
    """Who has a bucket of their own: `peer`, `address`, `path`, `{header: x-user}`, or a list of them. Left out: all share one."""
    name: Name = "default"
    """What headers and log call this limit. Two on one route need two."""
    status: Status = 429
    """What who comes too often is answered with."""
    headers: Literal["limited", "all", "none"] = "limited"
    """Which responses carry `RateLimit` and `RateLimit-Policy`. `all` costs a second crossing per request."""
    most_keys: Keys = 100_000
    """So many buckets are kept; beyond that the one that was not asked for the longest is forgotten."""
    dry_run: Flag = False
    """Refuse nobody; log and count what would have been refused."""
    redis: RedisOptions | None = None
    """Left out: each FlatProxy counts for itself."""

    @model_validator(mode="after")
    def _one_rate(self) -> Self:
        if sum(getattr(self, word) is not None for word in _WINDOWS) != 1:
            raise refuse(f"needs exactly one of {', '.join(_WINDOWS)}")
        return self

    @property
    def quota(self) -> tuple[int, int]:
        """So many requests, in so many seconds."""
        return next(
            (many, window) for word, window in _WINDOWS.items() if (many := getattr(self, word)) is not None
        )

    @property
    def rate(self) -> float:
        """Tokens per second."""
        many, window = self.quota
        return many / window

    @property
    def capacity(self) -> int:
        """Tokens of a full bucket."""
        return self.burst or max(1, math.ceil(self.rate))
