"""Are names given once, and do they lead somewhere?

Asked of the file as written, not of the model: a listener whose address is wrong still has a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy.config.nodes import Mapping, Node, Scalar, Sequence, child_of
from flatproxy.config.wording import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flatproxy.config.checks.findings import Findings


def check(root: Mapping, findings: Findings) -> None:
    """Find names given twice, upstreams that no one defined, and upstreams that no one uses."""
    listeners, upstreams = _items(root, "listeners"), _items(root, "upstreams")
    _unique(listeners, "listener", findings)
    _unique(upstreams, "upstream", findings)
    used: set[str] = set()
    for listener in listeners:
        routes = _items(listener, "routes")
        _unique(routes, "route", findings)
        for route in routes:
            used |= _targets(route, findings)
    for upstream in upstreams:
        name = _text(child_of(upstream, "name"))
        if name is not None and name.value not in used:
            findings.warn_at(name, f"upstream '{name.value}' is used by no route")


def _unique(items: list[Node], kind: str, findings: Findings) -> None:
    first: dict[str, int] = {}
    for item in items:
        name = _text(child_of(item, "name"))
        if name is None:
            continue
        if name.value in first:
            line = first[name.value]
            findings.error_at(
                name, f"there are two {kind}s named '{name.value}'; the first is in line {line}"
            )
        else:
            first[name.value] = name.line


def _targets(route: Node, findings: Findings) -> set[str]:
    """Look at the upstreams of a route, and return their names."""
    seen: set[str] = set()
    for name in _target_names(route):
        if name.value not in findings.upstreams:
            known = suggest(name.value, findings.upstreams, "there are") or "; the file has none"
            findings.error_at(name, f"no upstream is named '{name.value}'{known}")
        if name.value in seen:
            findings.error_at(name, f"upstream '{name.value}' is listed twice")
        seen.add(name.value)
    return seen


def _target_names(route: Node) -> Iterator[Scalar]:
    targets = child_of(route, "upstream")
    for target in targets.items if isinstance(targets, Sequence) else [targets]:
        name = _text(child_of(target, "name") if isinstance(target, Mapping) else target)
        if name is not None:
            yield name


def _items(parent: Node, key: str) -> list[Node]:
    child = child_of(parent, key)
    return child.items if isinstance(child, Sequence) else []


def _text(node: Node | None) -> Scalar | None:
    return node if isinstance(node, Scalar) and isinstance(node.value, str) else None
