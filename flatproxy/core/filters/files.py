"""Filters in files: `use: ./deny_list.py`, a module of its own for each text that the file had.

A plan remembers the text it was built from: when its certificate is renewed, or the process comes back after a crash,
the filter is the one that was loaded, whatever is in the file by then. The same text gives the same class, so a reload
that changes nothing keeps the instances and what they know.
"""

from __future__ import annotations

import hashlib
import inspect
import linecache
import sys
import weakref
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from flatproxy.api import hookspecs
from flatproxy.core.filters.found import FilterError, Found, filters_of, is_filter, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flatproxy.api.filter import Filter

LARGEST_BYTES = 1 << 20
# Alive as long as a plan uses them.
_LOADED: weakref.WeakValueDictionary[tuple[str, str], type[Filter]] = weakref.WeakValueDictionary()


def is_file(use: str) -> bool:
    """Whether a `use` means a file rather than the name of an installed filter."""
    return use.endswith(".py") or use.startswith(("./", "../", "/"))


class FilterFiles:
    """The filter files of one plan. `sources` holds their texts by `use`; what is not in there is read once."""

    def __init__(self, folder: Path, sources: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self.sources = dict(sources or {})

    def find(self, use: str) -> Found:
        """Return the filter of a file. Raises `FilterError`."""
        path = Path(self._folder, use)
        if not use.endswith(".py"):
            raise FilterError(f"'{use}' is no filter: a filter file ends in .py")
        if use not in self.sources:
            self.sources[use] = _read(path)
        return Found(_load(path, self.sources[use]), f"file {use}")


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            raise FilterError(f"cannot read {path}: no such file")
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise FilterError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > LARGEST_BYTES:
        raise FilterError(f"{path} is larger than {LARGEST_BYTES >> 20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FilterError(f"{path} is not UTF-8") from error


def _load(path: Path, source: str) -> type[Filter]:
    key = (str(path), source)
    kind = _LOADED.get(key)
    if kind is None:
        digest = hashlib.sha256("\n".join(key).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        kind = _LOADED[key] = _run(path, source, f"flatproxy_filter_{path.stem}_{digest}")
    return kind


def _run(path: Path, source: str, name: str) -> type[Filter]:
    module = ModuleType(name)
    module.__file__ = str(path)
    # Annotations that are text are looked up through here, by pydantic and dataclasses, while classes are made. Not
    # longer: a module that stays here is never given back, and each edit of the file makes a new one.
    sys.modules[name] = module
    # Traces, and pydantic's documentation of fields, quote the text that runs, not what is in the file by then.
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), vars(module))  # noqa: S102 -- the operator named this file to be run
        kind = _only_filter(module, path)
        kind.Options.model_rebuild()
    except FilterError:
        raise
    except (Exception, SystemExit) as error:  # a stranger's module may fail in any way
        raise FilterError(f"{path} cannot be loaded: {told(error)}") from error
    finally:
        del sys.modules[name]
    return kind


def _only_filter(module: ModuleType, path: Path) -> type[Filter]:
    registered = _registered(module, path)
    kinds = registered if registered is not None else _defined(module)
    if len(kinds) == 1:
        return kinds[0]
    if not kinds:
        raise FilterError(f"{path} defines no filter: no class in it is derived from flatproxy.Filter")
    names = ", ".join(kind.name for kind in kinds)
    raise FilterError(
        f"{path} defines {len(kinds)} filters, {names}: a file holds exactly one; put each into a file of its own, "
        "or make a package of them"
    )


def _defined(module: ModuleType) -> list[type[Filter]]:
    found = {id(value): value for value in vars(module).values() if is_filter(value)}
    return [value for value in found.values() if value.__module__ == module.__name__]


def _registered(module: ModuleType, path: Path) -> list[type[Filter]] | None:
    """Return what the hooks of the module register, or None when it has none."""
    marked = {name: value for name, value in vars(module).items() if _is_hook(value)}
    for name in marked.keys() - {"register_filters"}:
        raise FilterError(
            f"{path} implements the hook `{name}`: a file may implement `register_filters` only, "
            "other hooks belong into an installed package"
        )
    if "register_filters" not in marked:
        return None
    manager = pluggy.PluginManager("flatproxy")
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    return [kind for found in manager.hook.register_filters() for kind in filters_of(found, str(path))]


def _is_hook(value: Any) -> bool:
    return inspect.isroutine(value) and hasattr(value, "flatproxy_impl")
