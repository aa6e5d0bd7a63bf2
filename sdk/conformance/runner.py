"""Reads files of golden exchanges and runs them against a kind of filter."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sdk.conformance.compare import differences
from sdk.conformance.golden import Golden, Group

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdk.conformance.kind import Kind

EXCHANGES = Path(__file__).parent / "exchanges"
SCHEMA = Path(__file__).parent / "exchanges.schema.json"
# The kinds that are known by a short name: where the object is.
KINDS = {"python": "sdk.conformance.python:KIND"}


class FormatError(ValueError):
    """A file that is no file of golden exchanges."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one exchange went with one kind."""

    file: Path
    golden: Golden
    faults: tuple[str, ...]
    """Nothing: as expected."""


def files() -> list[Path]:
    """Return the files that every kind must pass."""
    return sorted(EXCHANGES.glob("*.yaml"))


def load(path: Path) -> Group:
    """Read a file. Raises `FormatError` with all that is wrong, OSError when it cannot be read."""
    try:
        group = Group.model_validate(YAML(typ="safe", pure=True).load(path.read_text("utf-8")))
    except (YAMLError, ValidationError) as error:
        raise FormatError(f"{path}: {error}") from None
    names = [golden.name for golden in group.exchanges]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FormatError(f"{path}: two exchanges are called {', '.join(twice)}")
    return group


def kind(name: str) -> Kind:
    """Return a kind: a short name, or `module:attribute` of one's own. Raises ValueError."""
    module, colon, attribute = KINDS.get(name, name).partition(":")
    if not colon:
        raise ValueError(
            f"'{name}' is no kind; there are {', '.join(KINDS)}, and module:attribute of your own"
        )
    try:
        return cast("Kind", getattr(import_module(module), attribute))
    except (ImportError, AttributeError) as error:
        raise ValueError(f"'{name}' cannot be loaded: {error}") from error


def run(one: Kind, golden: Golden) -> tuple[str, ...]:
    """Run one exchange; return what did not go as expected."""
    missing = sorted({use.use for use in golden.filters} - one.filters)
    if missing:
        return (f"{one.name} has no filter {', '.join(missing)}",)
    played = one.play(golden)
    faults = differences(golden, played)
    if faults and played.detail:
        faults.append(f"the proxy would log: {played.detail}")
    return tuple(faults)


def run_all(one: Kind, paths: Iterable[Path]) -> list[Result]:
    """Run every exchange of these files. Raises what `load` raises, before anything is run."""
    groups = [(path, load(path)) for path in paths]
    return [Result(path, golden, run(one, golden)) for path, group in groups for golden in group.exchanges]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Group.model_json_schema()}


def schema_text() -> str:
    """Return the schema as `exchanges.schema.json` holds it."""
    return json.dumps(schema(), indent=2) + "\n"
