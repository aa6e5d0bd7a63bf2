"""Takes the parts out of a file that do not fit the model, so that the rest can still be checked.

What goes is the smallest part that checks look at as a whole: a route with a bad match must not be taken for one
that matches everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy.config.nodes import Mapping, Node, Sequence, Step, walk

if TYPE_CHECKING:
    from flatproxy.config.source import Steps

_WHOLE = ("routes", "upstreams")


def prune(root: Mapping, paths: list[Steps]) -> bool:
    """Remove the part around each path. Returns whether anything is left to look at."""
    # All targets first, then one sweep per parent: removing an item moves those behind it.
    doomed: dict[int, tuple[Node, set[int]]] = {}
    for path in paths:
        if target := _target(root, path):
            parent, child = target
            doomed.setdefault(id(parent), (parent, set()))[1].add(id(child))
    for parent, children in doomed.values():
        _remove(parent, children)
    return bool(doomed) and "listeners" in root.entries


def _target(root: Mapping, path: Steps) -> tuple[Node, Node] | None:
    trail = walk(root, path)
    if not trail:
        return None
    for index in range(len(trail)):
        if _is_whole(trail, index):
            return _parent(root, trail, index), trail[index][1]
    last = len(trail) - 1
    return _parent(root, trail, last), trail[last][1]


def _is_whole(trail: list[tuple[Step, Node]], index: int) -> bool:
    if index == 0:
        return False
    return isinstance(trail[index][0], int) and trail[index - 1][0] in _WHOLE


def _parent(root: Mapping, trail: list[tuple[Step, Node]], index: int) -> Node:
    return trail[index - 1][1] if index else root


def _remove(parent: Node, children: set[int]) -> None:
    if isinstance(parent, Sequence):
        parent.items = [item for item in parent.items if id(item) not in children]
    elif isinstance(parent, Mapping):
        parent.entries = {
            key: entry for key, entry in parent.entries.items() if id(entry.node) not in children
        }
