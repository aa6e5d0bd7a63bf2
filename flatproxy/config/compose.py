"""Text -> nodes: YAML syntax, and what YAML allows but a configuration must not hold.

Works on parser events, not on ruamel's round-trip tree: 10,000 routes take 1 s instead of 14, and an alias
costs nothing until it is counted.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from flatproxy.config.errors import ConfigErrors, Place, Problem
from flatproxy.config.nodes import Entry, Mapping, Node, Scalar, Sequence, read_plain

# Far above any real file, far below what hurts: 10,000 routes are 240,000 nodes.
MAX_NODES = 2_000_000
MAX_DEPTH = 64

# What YAML 1.2 section 5.1 lets stand in a file, less what YAML 1.1 takes for the end of a line, and
# noncharacters.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufdcf\ufdf0-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# Stands for a colon while libyaml reads. A noncharacter, which Unicode keeps for such inner use; columns stay as they are.
_SHIELD = "\ufdd0"
# Between two characters of a word a colon separates nothing (YAML 1.2 section 7.3.3, ns-plain-char).
_CONTENT_COLON = re.compile(r"(?<=[^\s\"'\[\]{},]):(?=[^\s,\[\]{}])")
_DIRECTIVE = re.compile(r"^%(YAML|TAG)\b", re.MULTILINE)
# What the parser says -> what that means, and whether the mistake is where it started to read instead of where it stopped.
_PLAINLY = (
    (
        "mapping values are not allowed",
        "a ':' where no key can stand: quote the text, or check the indentation",
        False,
    ),
    ("expected <block end>", "the indentation does not fit the lines above", False),
    ("expected ',' or ']'", "this list is not closed by ']', or lacks a ','", True),
    ("expected ',' or '}'", "this mapping is not closed by '}', or lacks a ','", True),
    ("could not find expected ':'", "a ':' is missing behind this key", True),
    ("unexpected end of stream", "this quote is not closed", True),
    ("cannot start any token", "a value cannot start with this character: quote it", False),
    ("expected the node content", "a value is missing here", False),
    ("unknown escape character", "no such escape; in single quotes a backslash is just a backslash", False),
)


class _Refused(Exception):  # noqa: N818 -- carries a Problem to the one place that catches it
    def __init__(self, line: int, column: int, message: str) -> None:
        self.where = (line, column)
        self.message = message


def compose(text: str, file: str) -> tuple[Node, list[Problem]]:
    """Read one YAML document. Returns its root and the problems that did not stop the reading.

    Raises `ConfigErrors` when the syntax is broken: what follows such a place cannot be trusted.
    """
    if found := _UNPRINTABLE.search(text):
        place = Place(file, *_line_and_column(text, found.start()))
        message = f"the control character U+{ord(found[0]):04X} is not allowed here"
        raise ConfigErrors([Problem(place, message)])
    if found := _DIRECTIVE.search(text):
        place = Place(file, *_line_and_column(text, found.start()))
        raise ConfigErrors(
            [Problem(place, "directives (%YAML, %TAG) are not used in a configuration; remove it")]
        )
    try:
        return _read(_fast_parser(text), file)
    except (YAMLError, ImportError):
        pass  # the exact parser has the last word
    try:
        return _read(_exact_parser(text), file)
    except ConfigErrors:
        raise
    except Exception as error:  # noqa: BLE001 -- on odd input the parser fails in many ways, all of them bad syntax
        raise ConfigErrors([_syntax_problem(error, text, file)]) from None


def _read(parser: Any, file: str) -> tuple[Node, list[Problem]]:
    composer = _Composer(parser, file)
    try:
        return composer.document(), composer.problems
    except _Refused as refused:
        raise ConfigErrors(
            [*composer.problems, Problem(Place(file, *refused.where), refused.message)]
        ) from None


def _fast_parser(text: str) -> Any:
    """Return libyaml, 30 times as fast, where its wheel exists.

    It is old (0.1.7) and stumbles over `[127.0.0.1:80]`. A colon that can only be content is shielded from it.
    """
    parser = import_module("ruamel.yaml.cyaml").CParser
    return parser(_CONTENT_COLON.sub(_SHIELD, text))


def _exact_parser(text: str) -> Any:
    """Return the parser for all of YAML 1.2."""
    return YAML(typ="safe", pure=True).get_constructor_parser(text)[1]


# === _Composer ===


class _Composer:
    def __init__(self, parser: Any, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._parser = parser
        self._anchors: dict[str, Node] = {}

    def document(self) -> Node:
        self._next()  # the stream starts
        if self._parser.check_event(StreamEndEvent):
            raise _Refused(1, 1, "the file is empty; it needs at least `listeners` and `upstreams`")
        self._next()  # the document starts
        root = self._node(0)
        while not self._parser.check_event(DocumentEndEvent):
            self._next()
        self._next()
        if not self._parser.check_event(StreamEndEvent):
            raise _Refused(
                *_where(self._next()), "a second document starts here; one file holds one document"
            )
        return root

    def _next(self) -> Any:
        return self._parser.get_event()

    def _node(self, depth: int) -> Node:
        event = self._next()
        line, column = _where(event)
        if depth > MAX_DEPTH:
            raise _Refused(line, column, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, AliasEvent):
            return self._alias(event, line, column)
        if event.tag is not None and not (isinstance(event, ScalarEvent) and event.tag == "!"):
            self._problem(line, column, f"tags ({event.tag}) are not used in a configuration; remove it")
        node: Node
        if isinstance(event, ScalarEvent):
            plain = event.implicit[0] and not event.style
            text = _text(event)
            node = Scalar(read_plain(text) if plain else text, line, column)
        elif isinstance(event, MappingStartEvent):
            node = self._mapping(Mapping(line, column), depth + 1)
        else:
            node = self._sequence(Sequence(line, column), depth + 1)
        if node.size > MAX_NODES:
            raise _Refused(line, column, f"more than {MAX_NODES:,} values once aliases are followed")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, line: int, column: int) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise _Refused(
                line, column, f"*{event.anchor} stands for nothing: no &{event.anchor} ends before it"
            )
        return node

    def _sequence(self, node: Sequence, depth: int) -> Sequence:
        while not self._parser.check_event(SequenceEndEvent):
            item = self._node(depth)
            node.items.append(item)
            node.size += item.size
        self._next()
        return node

    def _mapping(self, node: Mapping, depth: int) -> Mapping:
        while not self._parser.check_event(MappingEndEvent):
            key, line, column = self._key(depth)
            value = self._node(depth)
            node.size += value.size
            if key in node.entries:
                first = node.entries[key].line
                self._problem(line, column, f"'{key}' is written twice; the first is in line {first}")
            elif key == "<<":
                self._problem(
                    line, column, "merge keys (<<) are not part of YAML 1.2; give the whole value an alias"
                )
            else:
                node.entries[key] = Entry(line, column, value)
        self._next()
        return node

    def _key(self, depth: int) -> tuple[str, int, int]:
        if not self._parser.check_event(ScalarEvent):
            node = self._node(depth)
            raise _Refused(node.line, node.column, "a key must be plain text")
        event = self._next()
        return _text(event), *_where(event)

    def _problem(self, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(Place(self._file, line, column), message))


def _where(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _text(event: Any) -> str:
    """Return the text of a scalar. An escape may name half a character (a surrogate), which nothing can carry."""
    text: str = event.value.replace(_SHIELD, ":") if _SHIELD in event.value else event.value
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _Refused(*_where(event), "a surrogate escape (\\ud800 to \\udfff) is not a character")
    return text


# === problems of syntax ===


def _syntax_problem(error: Exception, text: str, file: str) -> Problem:
    stopped = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    started = getattr(error, "context_mark", None) or stopped
    said = str(getattr(error, "problem", None) or "it cannot be read")
    place = _place(stopped, file)
    rows = text.splitlines()
    row = rows[place.line - 1] if place.line <= len(rows) else ""
    if "\t" in row[: len(row) - len(row.lstrip())]:
        return Problem(
            Place(file, place.line, row.index("\t") + 1), "a tab is used to indent; YAML wants spaces"
        )
    for phrase, plainly, at_start in _PLAINLY:
        if phrase in said:
            return Problem(_place(started, file) if at_start else place, f"not valid YAML: {plainly}")
    return Problem(place, f"not valid YAML: {said}")


def _place(mark: Any, file: str) -> Place:
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
