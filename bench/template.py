"""Renders the peers' committed configurations.

A template is the peer's own file with `$name` for a value, and with lines that start with `%`:
`%if fact`, `%if not fact`, `%each routes` (binds `$number`), closed by `%end`. They may be nested.
"""

from collections.abc import Iterator, Mapping
from string import Template


class TemplateError(ValueError):
    """A template that cannot be rendered: an unknown fact, or `%if` and `%end` that do not match."""


def render(text: str, facts: Mapping[str, object]) -> str:
    """The configuration for these facts."""
    return "\n".join(_block(iter(text.splitlines()), facts)) + "\n"


def _block(lines: Iterator[str], facts: Mapping[str, object]) -> list[str]:
    rendered: list[str] = []
    for line in lines:
        words = line.split()
        if not line.startswith("%"):
            rendered.append(Template(line).substitute(facts))
        else:
            scopes = _scopes(words, facts)
            body = _raw(lines)
            for scope in scopes:
                rendered += _block(iter(body), scope)
    return rendered


def _raw(lines: Iterator[str]) -> list[str]:
    """The lines up to the matching %end."""
    body: list[str] = []
    depth = 1
    for line in lines:
        depth += line.startswith(("%if", "%each")) - line.startswith("%end")
        if depth == 0:
            return body
        body.append(line)
    raise TemplateError("a block without %end")


def _scopes(words: list[str], facts: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The facts for each time that a block is to be written."""
    match words:
        case ["%if", "not", name]:
            return [] if facts[name] else [facts]
        case ["%if", name]:
            return [facts] if facts[name] else []
        case ["%each", name]:
            numbers = facts[name]
            if not isinstance(numbers, range):
                raise TemplateError(f"{name} is not a range")
            return [{**facts, "number": number} for number in numbers]
    raise TemplateError(f"not understood: {' '.join(words)}")
