"""Headers -> the claims of a token that is good, or why there are none (RFC 7519, RFC 6750 section 2.1)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from flatproxy import Headers
    from flatproxy.plugins.policy.jwks import Key, KeySource
    from flatproxy.plugins.policy.options import JwtOptions

# A signature takes 30 to 100 us to check, and a client sends the same token for minutes.
MOST_REMEMBERED = 1000
LONGEST_REMEMBERED = 4096  # characters; together with the number it bounds the memory
_SCHEME = "bearer "


class TokenState(Enum):
    """What is known of a token."""

    GOOD = "good"
    MISSING = "no token"
    BAD = "bad token"
    UNCHECKED = "no keys yet"


@dataclass(frozen=True, slots=True)
class Token:
    """What was found. `claims` is empty unless the token is good; `why` is for the log only."""

    state: TokenState
    claims: dict[str, Any] = field(default_factory=dict)
    why: str = ""


_MISSING = Token(TokenState.MISSING, why="no token")
_UNCHECKED = Token(TokenState.UNCHECKED, why="no keys could be read yet")


class TokenReader:
    """Checks tokens with the keys of `keys`, and remembers those that are good."""

    def __init__(self, options: JwtOptions, keys: KeySource) -> None:
        self._options = options
        self._keys = keys
        self._skew = options.clock_skew.total_seconds()
        self._known: tuple[tuple[Key, ...], dict[str, dict[str, Any]]] = ((), {})

    def read(self, headers: Headers) -> Token:
        """Read the token of a request. Never waits."""
        lines = headers.get_all(self._options.header)
        if not lines:
            return _MISSING
        if len(lines) > 1:
            return _bad("more than one token")
        text = lines[0].strip()
        if text[: len(_SCHEME)].lower() != _SCHEME:
            return _MISSING
        keys = self._keys.keys
        if keys is None:
            return _UNCHECKED
        return self._check(text[len(_SCHEME) :].strip(), keys)

    def _check(self, text: str, keys: tuple[Key, ...]) -> Token:
        known = self._remembered(keys)
        claims = known.get(text)
        if claims is not None and claims["exp"] + self._skew > time.time():
            return Token(TokenState.GOOD, claims)
        try:
            claims = self._verified(text, keys)
        # ValueError, RecursionError: what a token can make the parsers of JSON and base64 raise.
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            known.pop(text, None)
            return _bad(str(error))
        if len(text) <= LONGEST_REMEMBERED:
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            known[text] = claims
        return Token(TokenState.GOOD, claims)

    def _remembered(self, keys: tuple[Key, ...]) -> dict[str, dict[str, Any]]:
        """Return what was checked with these keys: what an older key vouched for is asked again.

        Threads may meet here: keys and tokens are one value, so at worst a token is checked twice.
        """
        known_by, known = self._known
        if known_by is not keys:
            known = {}
            self._known = (keys, known)
        return known

    def _verified(self, text: str, keys: tuple[Key, ...]) -> dict[str, Any]:
        header = jwt.get_unverified_header(text)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in self._options.algorithms:
            raise jwt.InvalidAlgorithmError(f"signed with {algorithm!r:.40}, which is not accepted")
        fitting = [key for key in keys if key.fits(algorithm, key_id)]
        if not fitting:
            self._keys.hurry()
            raise jwt.InvalidKeyError(f"no key {key_id!r:.80} for {algorithm}")
        return self._first_good(text, fitting)

    def _first_good(self, text: str, keys: list[Key]) -> dict[str, Any]:
        *others, last = keys
        for key in others:
            try:
                return self._decode(text, key)
            except jwt.InvalidSignatureError:
                continue
        return self._decode(text, last)

    def _decode(self, text: str, key: Key) -> dict[str, Any]:
        options = self._options
        claims: dict[str, Any] = jwt.decode(
            text,
            key.public,
            algorithms=[key.algorithm],
            leeway=self._skew,
            issuer=options.issuer,
            audience=options.audience,
            options={"require": ["exp"], "verify_aud": options.audience is not None, "verify_sub": False},
        )
        claims["exp"] = int(claims["exp"])  # may be a text; it was read as a number before
        return claims


def _bad(why: str) -> Token:
    # What a token holds may end up in such a sentence.
    return Token(TokenState.BAD, why=why[:200])
