"""Decides: which rule speaks for a request. No I/O, no log; a rule looks at nothing that it does not name."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

from flatproxy import Exchange, Respond
from flatproxy.plugins.policy import patterns
from flatproxy.plugins.policy.claims import ClaimCheck, claim_check
from flatproxy.plugins.policy.options import NO_RULE, TOKEN, PolicyOptions, Rule, ValueMatch
from flatproxy.plugins.policy.tokens import Token, TokenState

if TYPE_CHECKING:
    from flatproxy.plugins.policy.options import Network
    from flatproxy.plugins.policy.tokens import TokenReader

Check = Callable[[Exchange], bool]


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided, and what the client is told; no answer: the request is let in."""

    rule: str
    answer: Respond | None = None
    why: str = ""
    """For the log, where the rule alone does not say it."""


_FORBIDDEN = Respond(403, "not allowed\n")
_DEFAULT = Decision(NO_RULE, _FORBIDDEN)
# RFC 6750 section 3: no error code where no token was shown.
_ANSWERS = {
    TokenState.MISSING: Respond(401, "a token is needed\n", headers={"www-authenticate": "Bearer"}),
    TokenState.BAD: Respond(
        401, "the token is not valid\n", headers={"www-authenticate": 'Bearer error="invalid_token"'}
    ),
    TokenState.UNCHECKED: Respond(503, "tokens cannot be checked now\n", headers={"retry-after": "1"}),
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """One rule: what must hold of the request, then of the claims."""

    decision: Decision
    checks: tuple[Check, ...]
    claims: tuple[ClaimCheck, ...]

    def concerns(self, exchange: Exchange) -> bool:
        """Whether all but the claims holds."""
        for check in self.checks:  # noqa: SIM110 -- half the time of all() with a generator
            if not check(exchange):
                return False
        return True

    def claimed(self, claims: dict[str, Any]) -> bool:
        """Whether the claims hold."""
        return all(check(claims) for check in self.claims)


class Rules:
    """All rules of one policy. `reader` is there when a rule has claims."""

    def __init__(self, options: PolicyOptions, reader: TokenReader | None) -> None:
        self._deny = tuple(_compile(name, rule, allows=False) for name, rule in options.named("deny"))
        self._allow = tuple(_compile(name, rule, allows=True) for name, rule in options.named("allow"))
        self._reader = reader

    def decide(self, exchange: Exchange) -> Decision:
        """Return what the first rule says that matches: of `deny`, then of `allow`.

        The token is read once, and only when all else that a rule with claims wants is there.
        """
        token: Token | None = None
        for rule in self._deny:
            if rule.concerns(exchange):
                if not rule.claims:
                    return rule.decision
                token = token or self._read(exchange)
                if token.state in {TokenState.BAD, TokenState.UNCHECKED}:
                    return _refused(token)  # nobody comes past a rule with a token that cannot be read
                if token.state is TokenState.GOOD and rule.claimed(token.claims):
                    return rule.decision
        return self._allowed(exchange, token)

    def _allowed(self, exchange: Exchange, token: Token | None) -> Decision:
        answer = _DEFAULT
        for rule in self._allow:
            if rule.concerns(exchange):
                if not rule.claims:
                    return rule.decision
                token = token or self._read(exchange)
                if token.state is not TokenState.GOOD:
                    answer = _refused(token)  # unless a rule without claims lets it in
                elif rule.claimed(token.claims):
                    return rule.decision
        return answer

    def _read(self, exchange: Exchange) -> Token:
        assert self._reader is not None, "options refuse claims without `jwt`"
        return self._reader.read(exchange.request.headers)


def _refused(token: Token) -> Decision:
    return Decision(TOKEN, _ANSWERS[token.state], token.why)


# === one rule ===


def _compile(name: str, rule: Rule, *, allows: bool) -> Compiled:
    checks: list[Check] = []
    if rule.identities is not None:
        checks.append(_identity(rule.identities))
    if rule.networks is not None:
        checks.append(_source(rule.networks))
    if rule.methods is not None:
        checks.append(_method(frozenset(rule.methods)))
    if rule.paths is not None:
        checks.append(_path(patterns.any_of([patterns.path(match) for match in rule.paths])))
    checks += [_header(header, match, every=allows) for header, match in rule.headers.items()]
    claims = tuple(claim_check(claim, match) for claim, match in rule.claims.items())
    return Compiled(Decision(name, None if allows else _FORBIDDEN), tuple(checks), claims)


def _identity(wanted: tuple[str, ...]) -> Check:
    matches = patterns.globs(wanted)

    def check(exchange: Exchange) -> bool:
        identity = exchange.peer.identity
        return identity is not None and matches(identity)

    return check


def _source(networks: tuple[Network, ...]) -> Check:
    def check(exchange: Exchange) -> bool:
        address = _address(exchange.peer.address)
        return any(address in network for network in networks)

    return check


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address:
    address = ipaddress.ip_address(text)
    # What a socket for both versions says of a client of the older one.
    return getattr(address, "ipv4_mapped", None) or address


def _method(methods: frozenset[str]) -> Check:
    return lambda exchange: exchange.request.method in methods


def _path(matches: patterns.Matches) -> Check:
    return lambda exchange: matches(exchange.request.path)


def _header(name: str, match: ValueMatch, *, every: bool) -> Check:
    """Make a check that no second line of the same name gets past: all must match to be let in, one to be refused."""
    if match.present is not None:
        return lambda exchange: (name in exchange.request.headers) is match.present
    matches = patterns.value(match)

    def check(exchange: Exchange) -> bool:
        values = exchange.request.headers.get_all(name)
        return bool(values) and (all if every else any)(map(matches, values))

    return check
