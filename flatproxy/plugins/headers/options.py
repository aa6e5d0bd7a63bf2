"""What an operator may write: edits of the request and of the response. A name or a value that cannot be sent is refused here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from flatproxy import Options, Respond
from flatproxy.api.values import describe, refuse
from flatproxy.plugins.headers.template import Template


def parse_name(value: Any) -> str:
    """Accept a name that a filter may write; lower case, so that two spellings are one."""
    if not isinstance(value, str):
        raise refuse(f"must be the name of a header, not {describe(value)}")
    _refuse_what_cannot_be_sent(value, "")
    return value.lower()


def parse_value(value: Any) -> str:
    """Accept a value with placeholders."""
    if not isinstance(value, str):
        raise refuse(f"must be text (quote it), not {describe(value)}")
    _refuse_what_cannot_be_sent("x", value)
    try:
        Template(value)
    except ValueError as error:
        raise refuse(str(error)) from None
    return value


def _refuse_what_cannot_be_sent(name: str, value: str) -> None:
    """Ask the contract: what a local answer may hold, an edit may."""
    try:
        Respond(200, headers={name: value})
    except ValueError as error:
        raise refuse(f"must be a header that can be sent: {error}") from None


def one_or_many(value: Any) -> Any:
    """Read a single value as a list of one."""
    return value if isinstance(value, list | tuple) else [value]


def unique(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse two spellings of a name: which of them is meant would be chance."""
    if isinstance(fields, Mapping):
        names = [str(name).lower() for name in fields]
        if twice := [name for name in names if names.count(name) > 1]:
            raise refuse(f"has the header '{twice[0]}' twice")
    return fields


Name = Annotated[str, BeforeValidator(parse_name)]
Value = Annotated[str, BeforeValidator(parse_value)]
Values = Annotated[tuple[Value, ...], BeforeValidator(one_or_many)]


class Edits(Options):
    """Done in this order: remove, set, add."""

    remove: Annotated[tuple[Name, ...], BeforeValidator(one_or_many)] = ()
    """Fields that are taken away."""
    set: Annotated[dict[Name, Value], BeforeValidator(unique)] = Field(default_factory=dict)
    """Fields that are written in place of all of their name. An empty value where nobody is known takes the field away."""
    add: Annotated[dict[Name, Values], BeforeValidator(unique)] = Field(default_factory=dict)
    """Fields that are written after those that are there; a value, or several."""


class HeadersOptions(Options):
    """Values may hold `{peer.identity}`, `{peer.address}`, `{route}`; a brace is written twice."""

    request: Edits = Edits()
    """What the upstream sees."""
    response: Edits = Edits()
    """What the client sees."""
