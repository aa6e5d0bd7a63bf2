"""The filters of a route as `flatproxy explain` prints them: each with what it is asked, then the phases that are entered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flatproxy.cli.report import out

if TYPE_CHECKING:
    from collections.abc import Sequence

Description = dict[str, Any]


def print_chain(listener: str, route: Description) -> None:
    """Print what this route asks its filters, as the plan describes it."""
    name, filters, phases = f"{listener} / {route['name']}", route["filters"], route["phases"]
    if not filters:
        out().print(f"{name} has no filter: no phase is entered, and no exchange leaves the core.")
        return
    out().print(f"{name} has {_counted(len(filters), 'filter')}, in the order of the file:")
    columns = ("filter", "asked in", "fails", "time-out", "version", "from", "place")
    print_table(columns, [_filter_row(one) for one in filters])
    if not phases:
        out().print(f"{name} enters no phase.")
        return
    out().print(f"{name} enters {_counted(len(phases), 'phase')}:")
    print_table(("phase", "filters, as they are asked", "for"), [_phase_row(one) for one in phases])
    if never := _never(filters, phases):
        out().print(f"Never asked, as this route asks no upstream: {', '.join(never)}.\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    out().print(table)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _filter_row(one: Description) -> Sequence[str]:
    from flatproxy.api.values import written_duration  # here: `--help` loads no pydantic

    asked = ", ".join(f"{phase} ({manner})" for phase, manner in one["asked"].items())
    shared = " (shared)" if one["shared"] else ""
    return (
        one["name"] + shared,
        asked or "no phase",
        one["fail"],
        written_duration(timedelta(milliseconds=one["timeout_ms"])),
        one["version"] or "-",
        one["origin"],
        one["place"],
    )


def _phase_row(one: Description) -> Sequence[str]:
    return one["phase"], " > ".join(one["filters"]), one["when"]


def _never(filters: Sequence[Description], phases: Sequence[Description]) -> list[str]:
    entered = {one["phase"] for one in phases}
    never = (f"{phase} of {one['name']}" for one in filters for phase in one["asked"] if phase not in entered)
    return list(dict.fromkeys(never))
