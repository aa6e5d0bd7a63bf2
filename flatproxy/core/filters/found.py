"""A filter class, where it came from, and how its failures to load are told."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeGuard

from flatproxy.api.errors import ContractError
from flatproxy.api.filter import Filter
from flatproxy.api.phases import PHASES

# The frames nearest to the mistake; what called them says little.
MOST_FRAMES = 10
_OURS = ("flatproxy.api.", "flatproxy.core.")


class FilterError(Exception):
    """A `use` that leads to no filter, in words for the operator. May hold a trace, in lines of its own."""


@dataclass(frozen=True, slots=True)
class Found:
    """A filter class, ready to be used."""

    kind: type[Filter]
    origin: str
    """Where it came from, in words: `package acme-filters 1.0`."""
    package_version: str = ""

    @property
    def name(self) -> str:
        """What `use` says."""
        return self.kind.name

    @property
    def version(self) -> str:
        """The version that the class names, or that of its package; empty for a file that names none."""
        return self.kind.version or self.package_version

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases that the class defines, in the order in which an exchange comes through them."""
        return tuple(phase for phase in PHASES if phase in self.kind.phases)


def is_filter(value: object) -> TypeGuard[type[Filter]]:
    """Whether this is a class of a filter, and not one that is only there to be derived from."""
    return isinstance(value, type) and issubclass(value, Filter) and "name" in vars(value)


def filters_of(registered: object, origin: str) -> list[type[Filter]]:
    """Check what a `register_filters` hook returned. Raises `FilterError`."""
    items = list(registered) if isinstance(registered, Iterable) else [registered]
    kinds = [item for item in items if is_filter(item)]
    if len(kinds) != len(items):
        wrong = next(item for item in items if item not in kinds)
        raise FilterError(f"`register_filters` of {origin} returns {wrong!r}, which is no class of a filter")
    return kinds


def told(error: BaseException) -> str:
    """Tell a stranger's exception with its trace, without the frames that are ours."""
    frames = [frame for frame in _frames(error) if not frame.filename.startswith("<frozen ")]
    if isinstance(error, ContractError) and frames:
        return f"{error} ({frames[-1].filename}:{frames[-1].lineno})"
    what = "".join(traceback.format_exception_only(error)).strip()
    lines = [line for text in traceback.format_list(frames[-MOST_FRAMES:]) for line in text.splitlines()]
    return "\n".join([what, *(f"  {line}" for line in lines)])


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    walked = traceback.walk_tb(error.__traceback__)
    return list(
        traceback.StackSummary.extract(
            (frame, line)
            for frame, line in walked
            if not str(frame.f_globals.get("__name__", "")).startswith(_OURS)
        )
    )
