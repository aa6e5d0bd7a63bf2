"""What an operator may write: origins, and what their pages may do. What no browser would accept is refused here."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator

from flatproxy import Options
from flatproxy.api.values import DurationOrZero, Flag, parse_text, refuse

ANY = "*"
# As browsers write them: lower case, without a path, and without the port that the scheme has anyway.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\*\.)?([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:\d{1,5})?")
_USUAL_PORTS = {"http": ":80", "https": ":443"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def parse_origin(value: Any) -> str:
    """Accept `https://shop.demo`, `https://*.shop.demo`, `null` or `*`."""
    text = parse_text(value)
    if text in {ANY, "null"}:
        return text
    if not _ORIGIN.fullmatch(text):
        raise refuse(
            f"must be an origin such as https://shop.demo or https://*.shop.demo, lower case and without a path, not '{text}'"
        )
    usual = _USUAL_PORTS.get(text.partition(":")[0])
    if usual and text.endswith(usual):
        raise refuse(f"must be written as browsers do, without {usual}: '{text.removesuffix(usual)}'")
    return text


def parse_token(value: Any) -> str:
    """Accept the name of a method or a header."""
    text = parse_text(value)
    if not _TOKEN.fullmatch(text):
        raise refuse(f"must be a method or the name of a header, not '{text}'")
    return text


def one_or_many(value: Any) -> Any:
    """Read a single value as a list of one."""
    return value if isinstance(value, list | tuple) else [value]


Token = Annotated[str, BeforeValidator(parse_token)]
Tokens = Annotated[tuple[Token, ...], BeforeValidator(one_or_many)]
Origins = Annotated[tuple[Annotated[str, BeforeValidator(parse_origin)], ...], BeforeValidator(one_or_many)]


class CorsOptions(Options):
    """Which pages may read the answers of this route, and what they may ask."""

    origins: Origins
    """Whose pages: exact, `https://*.shop.demo` for all below it, `*` for everybody, `null` for pages without an origin."""
    methods: Tokens = ("GET", "HEAD", "POST")
    """What they may ask with; these three are allowed by every browser anyway."""
    headers: Tokens = ()
    """Header fields that they may send besides the harmless ones; `*`: whatever they ask for."""
    expose: Tokens = ()
    """Header fields of the response that they may read besides the harmless ones."""
    credentials: Flag = False
    """Whether they may send cookies, client certificates and what else tells users apart."""
    max_age: DurationOrZero = timedelta(minutes=10)
    """How long a browser may remember the answer to a preflight."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.credentials and ANY in self.origins:
            raise refuse(
                "has `credentials` for the origin '*': any page could act as its visitor; name the origins"
            )
        if ANY in self.methods:
            raise refuse("has the method '*'; name the methods")
        if self.credentials and ANY in self.expose:
            raise refuse(
                "has `expose: '*'` with `credentials`, where browsers take it for a name; name the headers"
            )
        return self
