"""What the checks found, and what they have to know of the file as it was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flatproxy.config.errors import Place, Problem
from flatproxy.config.nodes import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from flatproxy.config.source import Source, Steps


@dataclass(slots=True)
class Findings:
    """Problems and warnings, each at its place.

    `upstreams` and `sections` are as the operator wrote them: an upstream with a wrong key in it is left out of the
    model, but it is not undefined.
    """

    source: Source
    upstreams: frozenset[str]
    sections: frozenset[str]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @classmethod
    def about(cls, source: Source) -> Findings:
        """Start with what the file declares."""
        entries = source.root.entries if isinstance(source.root, Mapping) else {}
        declared = entries["upstreams"].node if "upstreams" in entries else None
        return cls(source, frozenset(_names_in(declared)), frozenset(entries))

    def error_at(self, node: Node, message: str) -> None:
        """Report what is wrong with a part of the file."""
        self.problems.append(Problem(Place(self.source.name, node.line, node.column), message))

    def warn_at(self, node: Node, message: str) -> None:
        """Report what is odd about a part of the file."""
        self.warnings.append(Problem(Place(self.source.name, node.line, node.column), message))

    def error(self, path: Steps, message: str) -> None:
        """Report what is wrong with the value at `path`."""
        self.problems.append(Problem(self.source.place(path), message))

    def error_at_key(self, path: Steps, message: str) -> None:
        """Report what is wrong with there being the key at `path`."""
        self.problems.append(Problem(self.source.place_of_key(path), message))

    def warn(self, path: Steps, message: str) -> None:
        """Report what is odd about the value at `path`."""
        self.warnings.append(Problem(self.source.place(path), message))


def _names_in(declared: Node | None) -> list[str]:
    items = declared.items if isinstance(declared, Sequence) else []
    entries = [
        item.entries["name"].node for item in items if isinstance(item, Mapping) and "name" in item.entries
    ]
    return [node.value for node in entries if isinstance(node, Scalar) and isinstance(node.value, str)]
