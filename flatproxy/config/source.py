"""Where a configuration came from: turns a path into the model (`listeners`, 0, `routes`, 2) into a place in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flatproxy.config.errors import Place, Problem
from flatproxy.config.nodes import Mapping, Node, Step, place_of, place_of_key

if TYPE_CHECKING:
    from pathlib import Path

Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read. `name` is how the operator called it, `folder` what relative paths start at."""

    name: str
    folder: Path
    root: Node
    warnings: tuple[Problem, ...] = ()

    def place(self, path: Steps) -> Place:
        """Return the place of the value at `path`, or of the nearest part around it that the file shows."""
        return Place(self.name, *place_of(self.root, path))

    def place_of_key(self, path: Steps) -> Place:
        """Return the place of the key at `path`."""
        return Place(self.name, *place_of_key(self.root, path))


def nowhere(folder: Path) -> Source:
    """Return the source of a configuration that was made in memory."""
    return Source("configuration", folder, Mapping(0, 0))
