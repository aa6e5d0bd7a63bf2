"""Validation errors -> problems: a place in the file, and a sentence that names the right words.

Nobody who edits a YAML file should have to know the words of the library that checks it.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from flatproxy.config.errors import Problem
from flatproxy.config.models import Config
from flatproxy.config.values import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from flatproxy.config.source import Source, Steps


def without_echoes(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out lists that are too short only because their items were refused, each with an error of its own."""
    own = [
        error
        for error in errors
        if error["type"] != "too_short" or len(error["input"]) < error["ctx"]["min_length"]
    ]
    return own or list(errors)


def problem_of(
    error: ErrorDetails, source: Source, base: Steps = (), model: type[BaseModel] = Config
) -> Problem:
    """Put one validation error in plain words, at its place. `base` leads to the part that is a `model`."""
    inner = tuple(error["loc"])
    path = (*base, *inner)
    if error["type"] == "extra_forbidden":
        return Problem(source.place_of_key(path), unknown_key(str(inner[-1]), keys_at(inner[:-1], model)))
    if path and path[-1] == "[key]":
        return Problem(source.place_of_key(path[:-1]), sentence(error))
    if error["type"] == "missing":
        return Problem(source.place(path[:-1]), f"`{path[-1]}` is missing{_belongs_to(path[:-1])}")
    said = sentence(error)
    return Problem(source.place(path), f"{_subject(path)} {said}" if said.startswith(_VERBS) else said)


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Say that a key is unknown, and which one was meant, or which there are."""
    return f"unknown key '{key}'{suggest(key, known, 'known here')}"


def suggest(word: str, known: Iterable[str], heading: str) -> str:
    """Return `; did you mean 'x'?`, or the list of what there is when nothing comes close."""
    names = sorted(set(known))
    if close := difflib.get_close_matches(word.lower().replace("-", "_"), names, n=1, cutoff=0.6):
        return f"; did you mean '{close[0]}'?"
    if not names:
        return ""
    shown = ", ".join(names[:20])
    return f"; {heading}: {shown}{', ...' if len(names) > 20 else ''}"


def keys_at(path: Steps, root: type[BaseModel] = Config) -> list[str]:
    """Return the keys of the model that `path` leads to, from `root`.

    Steps that no model knows (an index, a header's name, the tag of a union) leave the model as it is.
    """
    models: list[type[BaseModel]] = [root]
    for step in path:
        fields = [
            field
            for model in models
            for name, field in model.model_fields.items()
            if (field.alias or name) == step
        ]
        inner = [model for field in fields for model in models_in(field.annotation)]
        models = inner or models
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a field may hold."""
    if isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


# === sentences ===


def sentence(error: ErrorDetails) -> str:
    """Say what a value must be, and what it is."""
    make = _SENTENCES.get(error["type"])
    said = make(error.get("ctx", {}), error.get("input")) if make else _foreign(error)
    # The other way to write such a value failed too, without a word.
    return (
        said.replace(", not ", ", or a mapping, not ", 1)
        if error["loc"] and error["loc"][-1] == "(word)"
        else said
    )


def _foreign(error: ErrorDetails) -> str:
    """What a filter's own options ask for, in the words of the library that checks them, or of the filter."""
    message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
    message = message.removeprefix("Input should be ").removeprefix("Input ")
    if message == error["msg"].rstrip("."):
        return f"is not valid: {message[:1].lower()}{message[1:]}"
    if error["type"] in ("value_error", "assertion_error"):
        return f"is not valid: {message}"
    return _wants(message)({}, error.get("input"))


def _wants(what: str) -> Callable[[Mapping[str, Any], Any], str]:
    def make(_: Mapping[str, Any], value: Any) -> str:
        if value is None:
            return f"has no value; it must be {what}, or left out"
        return f"must be {what}, not {describe(value)}"

    return make


def _one_of(context: Mapping[str, Any], value: Any) -> str:
    wanted = str(context["expected"]).replace("'", "")
    words = [word for part in wanted.split(", ") for word in part.split(" or ")]
    if len(words) == 1 and value is not None:
        return f"must be {wanted}, not {describe(value)}"
    close = difflib.get_close_matches(value.lower(), words, n=1) if isinstance(value, str) else []
    return _wants(wanted)(context, value) + (f"; did you mean '{close[0]}'?" if close else "")


# A sentence that starts with one of these lacks its subject: the key.
_VERBS = ("must ", "needs ", "has ", "is ", "ends ")
_SENTENCES: dict[str, Callable[[Mapping[str, Any], Any], str]] = {
    "refused": lambda context, _: str(context["message"]),
    "string_type": _wants("text"),
    "bool_type": _wants("true or false"),
    "int_type": _wants("a whole number"),
    "int_from_float": _wants("a whole number"),
    "list_type": _wants("a list"),
    "tuple_type": _wants("a list"),
    "set_type": _wants("a list"),
    "frozen_set_type": _wants("a list"),
    "float_type": _wants("a number"),
    "int_parsing": _wants("a whole number"),
    "float_parsing": _wants("a number"),
    "bool_parsing": _wants("true or false"),
    "dict_type": _wants("a mapping"),
    "model_type": _wants("a mapping"),
    "model_attributes_type": _wants("a mapping"),
    "literal_error": _one_of,
    "too_short": lambda *_: "must not be empty; leave it out, or fill it",
    "greater_than_equal": lambda context, _: f"must be at least {context['ge']}",
    "less_than_equal": lambda context, _: f"must be at most {context['le']}",
    "greater_than": lambda context, _: f"must be more than {context['gt']}",
    "less_than": lambda context, _: f"must be less than {context['lt']}",
}


def _subject(path: Steps) -> str:
    steps = [step for step in path if not (isinstance(step, str) and step.startswith("("))]
    if steps and isinstance(steps[-1], int):
        return f"an item of `{_last_key(path)}`"
    return f"`{steps[-1]}`" if steps else "the file"


def _last_key(path: Steps) -> str | None:
    keys = [step for step in path if isinstance(step, str) and not step.startswith("(")]
    return keys[-1] if keys else None


_KINDS = {
    "listeners": "this listener",
    "routes": "this route",
    "upstreams": "this upstream",
    "endpoints": "this endpoint",
    "filters": "this filter",
    "upstream": "this upstream",
    "certificates": "this certificate",
}


def _belongs_to(path: Steps) -> str:
    if not path:
        return ""
    if isinstance(path[-1], int):
        name = _last_key(path)
        return f" in {_KINDS[name]}" if name in _KINDS else f" in an item of `{name}`"
    return f" in `{_last_key(path)}`"
