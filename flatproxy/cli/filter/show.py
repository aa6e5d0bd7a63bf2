"""Filters as they are printed: a row each, or one with all it can be set to."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from flatproxy.api.filter import Filter
from flatproxy.cli.report import out
from flatproxy.core.filters.described import described_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flatproxy.core.filters.found import Found

Description = dict[str, Any]


def describe(found: Found) -> Description:
    """Return everything that is known of a filter, as JSON can hold it."""
    return {
        "name": found.name,
        "version": found.version,
        "origin": found.origin,
        "phases": list(found.phases),
        "blocking": found.kind.blocking,
        "shared": found.kind.shared,
        "documentation": _documentation(found.kind),
        "options": described_options(found.kind.Options),
    }


def print_list(filters: Iterable[Found], *, as_json: bool) -> None:
    """Print a row for each."""
    described = [describe(found) for found in filters]
    if as_json:
        print(json.dumps(described, indent=2))
        return
    if not described:
        out().print("no filter is installed")
        return
    rows = [
        (one["name"], one["version"] or "-", ", ".join(one["phases"]), one["origin"]) for one in described
    ]
    _print_table(("name", "version", "phases", "origin"), rows)


def print_filter(found: Found, *, as_json: bool) -> None:
    """Print one with its options."""
    described = describe(found)
    if as_json:
        print(json.dumps(described, indent=2))
        return
    version = f" {described['version']}" if described["version"] else ""
    out().print(f"{described['name']}{version} ({described['origin']})")
    if described["documentation"]:
        out().print(f"\n{described['documentation']}")
    out().print(f"\nphases: {', '.join(described['phases']) or 'none'}{_nature(described)}\n")
    if not described["options"]:
        out().print("it has no options")
        return
    rows = [(one["name"], one["type"], one["default"], one["documentation"]) for one in described["options"]]
    _print_table(("option", "type", "default", "meaning"), rows)


def _documentation(kind: type[Filter]) -> str:
    own = inspect.cleandoc(kind.__doc__ or "")
    return "" if kind.__doc__ == Filter.__doc__ else own


def _nature(described: Description) -> str:
    words = [word for word in ("blocking", "shared") if described[word]]
    return f" ({', '.join(words)})" if words else ""


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    out().print(table)
