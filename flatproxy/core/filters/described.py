"""The options of a filter for people: name, type in words, default, documentation. Parts of parts as `rules[].source`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined, to_jsonable_python

from flatproxy.api import values

REQUIRED = "required"
_DEEPEST = 4
_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    timedelta: "duration",
    Path: "file",
    SecretStr: "text",
    IPv4Address: "IP address",
    IPv6Address: "IP address",
    IPv4Network: "network (such as 10.0.0.0/8)",
    IPv6Network: "network (such as 10.0.0.0/8)",
    Any: "anything",
    type(None): "nothing",
}
# What the validators of the configuration's own kinds accept.
_KINDS: dict[Any, str] = {
    values.parse_duration: "duration",
    values.parse_positive_duration: "duration",
    values.parse_size: "size",
    values.parse_share: "share",
    values.parse_file: "file",
    values.parse_text: "text",
}
_BOUNDS = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))


def described_options(options: type[BaseModel]) -> list[dict[str, str]]:
    """Return `name`, `type`, `default` and `documentation` of every option, in the order of the class."""
    return list(_rows(options, "", 0))


def _rows(model: type[BaseModel], prefix: str, depth: int) -> Iterator[dict[str, str]]:
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        yield {
            "name": prefix + name,
            "type": _words(field.annotation, field.metadata),
            "default": REQUIRED
            if field.is_required()
            else _default(field.get_default(call_default_factory=True)),
            "documentation": " ".join((field.description or "").split()),
        }
        if depth < _DEEPEST:
            for suffix, part in _parts(field.annotation):
                yield from _rows(part, f"{prefix}{name}{suffix}.", depth + 1)


def _default(value: Any) -> str:
    if isinstance(value, timedelta):
        return values.written_duration(value)
    if value is None or value is PydanticUndefined or value in ("", (), [], {}, frozenset(), set()):
        return "-"
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_defaults=True)
        if not value:
            return "-"  # its own options say what they are when nothing is set
    plain = to_jsonable_python(value, fallback=str)
    return plain if isinstance(plain, str) else json.dumps(plain)


def _parts(annotation: Any, suffix: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the models that an option may hold, with how they are reached."""
    if isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel):
        yield suffix, annotation
    inside = (
        "[]"
        if _is(annotation, Sequence) or _is(annotation, AbstractSet)
        else ".*"
        if _is(annotation, Mapping)
        else ""
    )
    for inner in get_args(annotation):
        yield from _parts(inner, suffix + inside)


# === types ===


def _words(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """Say in words what an option may be."""
    for mark in metadata:
        if kind := _KINDS.get(getattr(mark, "func", None)):
            return kind
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _words(arguments[0], arguments[1:])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_words(choice) for choice in arguments))
    if origin is Literal:
        return ", ".join(str(choice) for choice in arguments)
    return _many(annotation, arguments) or f"{_one(annotation)} {_bounds(metadata)}".strip()


def _many(annotation: Any, arguments: Sequence[Any]) -> str:
    if _is(annotation, Mapping):
        return f"mapping of {_words(arguments[-1])}" if arguments else "mapping"
    if annotation is not str and (_is(annotation, Sequence) or _is(annotation, AbstractSet)):
        return f"list of {_words(arguments[0])}" if arguments else "list"
    return ""


def _one(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(str(member.value) for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return _WORDS[annotation] if annotation in _WORDS else str(getattr(annotation, "__name__", annotation))


def _bounds(metadata: Sequence[Any]) -> str:
    bounds = {
        sign: value
        for mark in metadata
        for name, sign in _BOUNDS
        if (value := getattr(mark, name, None))
        not in (None, values.LARGEST_U32)  # no bound that anybody meets
    }
    return " and ".join(f"{sign} {value}" for sign, value in bounds.items())


def _is(annotation: Any, kind: type) -> bool:
    origin = get_origin(annotation) or annotation
    return isinstance(origin, type) and issubclass(origin, kind)
