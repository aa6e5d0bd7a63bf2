"""The shape of a YAML file with the place of everything in it: `compose.py` makes it, problems point into it.

Scalars are read as YAML 1.2 says (section 10.3.2, core schema): `off`, `yes` and `1_000` are text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# Longer ones stay text: no key takes one, and Python refuses to read integers of thousands of digits.
_LONGEST_NUMBER = 40


@dataclass(slots=True)
class Scalar:
    """One value, already read."""

    value: Any
    line: int
    column: int
    size: int = 1

    def data(self) -> Any:
        """Return the value."""
        return self.value


@dataclass(slots=True)
class Sequence:
    """A list."""

    line: int
    column: int
    items: list[Node] = field(default_factory=list)
    size: int = 1

    def data(self) -> list[Any]:
        """Return the plain list, without places."""
        return [item.data() for item in self.items]


@dataclass(slots=True)
class Entry:
    """One key of a mapping, its place, and its value."""

    line: int
    column: int
    node: Node


@dataclass(slots=True)
class Mapping:
    """Keys and values, in the order of the file."""

    line: int
    column: int
    entries: dict[str, Entry] = field(default_factory=dict)
    size: int = 1

    def data(self) -> dict[str, Any]:
        """Return the plain dictionary, without places."""
        return {key: entry.node.data() for key, entry in self.entries.items()}


# `size` counts the nodes that `data()` would make: an alias costs what it stands for.
Node = Scalar | Sequence | Mapping
Step = str | int


def walk(root: Node, path: Iterable[Step]) -> list[tuple[Step, Node]]:
    """Follow `path` from `root` as far as it goes; steps that the file does not show are skipped.

    A model may know more steps than the file: a short form (`upstream: orders`) is one scalar.
    """
    trail: list[tuple[Step, Node]] = []
    node = root
    for step in path:
        child = child_of(node, step)
        if child is not None:
            trail.append((step, child))
            node = child
    return trail


def child_of(node: Node, step: Step) -> Node | None:
    """Return the value under a key or at an index, if there is one."""
    if isinstance(node, Mapping) and isinstance(step, str):
        entry = node.entries.get(step)
        return entry.node if entry else None
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def place_of(root: Node, path: Iterable[Step]) -> tuple[int, int]:
    """Return line and column of the value that `path` leads to."""
    trail = walk(root, path)
    node = trail[-1][1] if trail else root
    return node.line, node.column


def place_of_key(root: Node, path: tuple[Step, ...]) -> tuple[int, int]:
    """Return line and column of the key that is the last step of `path`."""
    trail = walk(root, path[:-1])
    parent = trail[-1][1] if trail else root
    if isinstance(parent, Mapping) and isinstance(path[-1], str) and path[-1] in parent.entries:
        entry = parent.entries[path[-1]]
        return entry.line, entry.column
    return place_of(root, path)


def read_plain(text: str) -> Any:
    """Read an unquoted scalar."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] not in "+-.0123456789" or len(text) > _LONGEST_NUMBER:
        return text
    return _read_number(text)


def _read_number(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _RADIX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if special := _SPECIAL.fullmatch(text):
        return float((special[1] or "") + (special[2] or special[3]).lower())
    return text
