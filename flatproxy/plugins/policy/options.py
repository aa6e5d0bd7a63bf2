"""What an operator may write: rules, and how tokens are checked. Checked here, compiled in `rules`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from flatproxy import Options
from flatproxy.api.values import (
    Duration,
    DurationOrZero,
    File,
    Flag,
    Text,
    describe,
    parse_file,
    parse_text,
    refuse,
)

SPIFFE = "spiffe://"
EVERYBODY = "**"
NO_RULE, TOKEN = "default", "token"  # what decides where no rule does
Algorithm = Literal["RS256", "ES256", "EdDSA"]


# === parts ===


def one_or_many(value: Any) -> Any:
    """Read a single value as a list of one."""
    if not isinstance(value, list | tuple):
        return [value]
    if not value:
        raise refuse("must not be empty; leave it out, or fill it")
    return value


def parse_method(value: Any) -> str:
    """Accept a method as it is sent: they are compared with case."""
    text = parse_text(value)
    if not text.isascii() or not text.isprintable() or " " in text or text != text.upper():
        raise refuse(f"must be a method in upper case such as GET, not '{text}'")
    return text


def parse_wanted(value: Any) -> str | int:
    """Accept what a header or a claim may be: text, `true`, or a whole number."""
    if not isinstance(value, str | int):
        raise refuse(f"must be text, a whole number, true or false, not {describe(value)}")
    return value


def parse_glob(value: Any) -> str:
    """Accept a pattern: `*` stands for anything within a segment; `**`, at the end only, for anything."""
    text = parse_text(value)
    if "**" in text[:-2] or "***" in text:
        raise refuse(f"may have '**' at its end only, not '{text}'; '*' stands for anything but '/'")
    return text


def parse_identity(value: Any) -> str:
    """Accept a pattern of SPIFFE ids."""
    text = parse_glob(value)
    if text != EVERYBODY and not text.startswith(SPIFFE):
        raise refuse(
            f"must be a SPIFFE id such as {SPIFFE}demo.mesh/shop/*, or '**' for every identity, not '{text}'"
        )
    return text


def parse_path(value: Any) -> str:
    """Accept a pattern of paths."""
    text = parse_glob(value)
    if not text.startswith(("/", "*")):
        raise refuse(f"must start with '/', not '{text}'")
    return text


def parse_path_match(value: Any) -> Any:
    """Read a bare text as a pattern."""
    return {"glob": value} if isinstance(value, str) else value


def parse_value_match(value: Any) -> Any:
    """Read a bare value, or a list of them, as what is wanted exactly."""
    return value if isinstance(value, Mapping | ValueMatch) else {"exact": value}


def parse_network(value: Any) -> Any:
    """Accept `10.0.0.0/8`, or one address."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ipaddress.ip_network(parse_text(value))
    except ValueError as error:
        raise refuse(f"must be a network such as 10.0.0.0/8, not {describe(value)} ({error})") from None


def parse_keys(value: Any, info: ValidationInfo) -> str:
    """Accept a path, or a URL whose answer nobody on the way can change."""
    text = parse_text(value)
    url = urlsplit(text)
    if url.scheme == "http" and url.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise refuse(
            f"must be an https URL, not '{text}': who can change the keys on their way can make any token"
        )
    if "://" in text and (url.scheme not in {"http", "https"} or not url.hostname):
        raise refuse(f"must be an https URL or a path, not '{text}'")
    return text if "://" in text else str(parse_file(text, info))


Identity = Annotated[str, BeforeValidator(parse_identity)]
PathGlob = Annotated[str, BeforeValidator(parse_path)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(parse_network)]
Keys = Annotated[str, BeforeValidator(parse_keys)]
Wanted = Annotated[str | bool | int, BeforeValidator(parse_wanted)]
Method = Annotated[str, BeforeValidator(parse_method)]


def _only_one(model: Options) -> None:
    if len(model.model_fields_set) != 1:
        raise refuse(f"needs exactly one of {', '.join(type(model).model_fields)}")


class PathMatch(Options):
    """Exactly one of the three; a bare text means `glob`."""

    glob: PathGlob | None = None
    """`*` stands for anything within a segment; `**`, at the end only, for anything."""
    exact: Text | None = None
    """The whole path."""
    prefix: Text | None = None
    """By segment: `/v1` takes `/v1` and `/v1/x`, never `/v10`."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        _only_one(self)
        return self


class ValueMatch(Options):
    """Exactly one of the four; a bare value or a list means `exact`."""

    exact: Annotated[tuple[Wanted, ...], BeforeValidator(one_or_many)] | None = None
    """The whole value: any of these."""
    prefix: Text | None = None
    """How the value starts."""
    suffix: Text | None = None
    """How the value ends."""
    present: Flag | None = None
    """`true`: there at all, `false`: absent."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        _only_one(self)
        return self


Value = Annotated[ValueMatch, BeforeValidator(parse_value_match)]
PathOption = Annotated[PathMatch, BeforeValidator(parse_path_match)]


# === the options ===


class Rule(Options):
    """Matches when all that is given holds; an empty rule matches every request."""

    name: Text = ""
    """What log and metrics call it; left out: `allow[0]`, `deny[2]`."""
    identities: Annotated[tuple[Identity, ...], BeforeValidator(one_or_many)] | None = Field(
        default=None, alias="from"
    )
    """SPIFFE ids of the client, any of them: `*` for anything within a segment, `**` at the end for anything."""
    methods: Annotated[tuple[Method, ...], BeforeValidator(one_or_many)] | None = None
    """Any of these methods, in upper case."""
    paths: Annotated[tuple[PathOption, ...], BeforeValidator(one_or_many)] | None = None
    """Any of these paths, compared after normalisation, without the query."""
    headers: dict[Text, Value] = Field(default_factory=dict)
    """Each of these. Of a repeated header all values must match in `allow`, any in `deny`."""
    networks: Annotated[tuple[Network, ...], BeforeValidator(one_or_many)] | None = None
    """Where the connection comes from, any of these; headers such as X-Forwarded-For are not looked at."""
    claims: dict[Text, Value] = Field(default_factory=dict)
    """Each of these claims of a token that is good; of a claim that is a list any item, of `scope` any word."""


class JwtOptions(Options):
    """How tokens (RFC 7519) are checked. `exp` has to be there."""

    jwks: Keys
    """The public keys (RFC 7517): a file, or a URL."""
    issuer: Text | None = None
    """What `iss` has to be."""
    audience: Annotated[tuple[Text, ...], BeforeValidator(one_or_many)] | None = None
    """What `aud` has to hold, any of these. Left out: a token that was made for somebody else is good here too."""
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("RS256", "ES256", "EdDSA")
    """Signatures that are accepted."""
    clock_skew: DurationOrZero = timedelta(seconds=30)
    """How far the clock of who made the token may be off."""
    refresh: Duration = timedelta(minutes=5)
    """How often the keys are read again; a token with an unknown key asks for it sooner."""
    header: Text = "authorization"
    """Where the token is, after `Bearer`."""
    ca: File | None = None
    """Certificates (PEM) that vouch for the host of the URL; left out: those that the public web trusts."""


class PolicyOptions(Options):
    """`deny` rules are asked first, then `allow` rules; what no rule matches is refused."""

    allow: tuple[Rule, ...]
    """Who is let in. `[{}]` lets in everybody whom no `deny` rule names."""
    deny: tuple[Rule, ...] = ()
    """Who is refused, whatever `allow` says."""
    jwt: JwtOptions | None = None
    """How tokens are checked; needed where a rule has `claims`."""
    dry_run: Flag = False
    """Refuse nobody; log and count what would have been refused."""
    log: Literal["refused", "all"] = "refused"
    """Which decisions are logged."""
    when: Literal["request", "connect"] = "request"
    """`connect`: once for each connection, by `from` and `networks` alone; who is refused is cut off without an answer."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [name for name, _ in (*self.named("deny"), *self.named("allow"))]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise refuse(f"has two rules named '{twice}'")
        if {NO_RULE, TOKEN} & set(names):
            raise refuse(f"has a rule named '{NO_RULE}' or '{TOKEN}', which log and metrics use for no rule")
        if self.when == "connect":
            self._refuse_what_is_not_known_yet()
        if self.jwt is None and any(rule.claims for rule in (*self.allow, *self.deny)):
            raise refuse("has a rule with `claims` but no `jwt`, which says how tokens are checked")
        return self

    def named(self, kind: Literal["allow", "deny"]) -> list[tuple[str, Rule]]:
        """The rules of one kind with their names."""
        rules: tuple[Rule, ...] = getattr(self, kind)
        return [(rule.name or f"{kind}[{number}]", rule) for number, rule in enumerate(rules)]

    def _refuse_what_is_not_known_yet(self) -> None:
        for name, rule in (*self.named("deny"), *self.named("allow")):
            for field in ("methods", "paths", "headers", "claims"):
                if getattr(rule, field):
                    raise refuse(
                        f"has `when: connect` and `{field}` in the rule '{name}': when a connection is made, only `from` and "
                        "`networks` are known"
                    )
