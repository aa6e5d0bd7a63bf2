"""The filters that are installed: packages announce them through the entry point group `flatproxy`, pluggy finds them.

A package that cannot be loaded does not stop a configuration that uses nothing of it: what is wrong is told to whoever
asks for a name that is not there. The built-in filters are loaded when they are asked for, so that a proxy pays only for
those it uses; their entry points are named as the filters are.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from flatproxy.api import hookspecs
from flatproxy.config.wording import suggest
from flatproxy.core.filters.found import FilterError, Found, filters_of, is_filter, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from importlib.metadata import EntryPoint

    from flatproxy.api.exchange import Peer
    from flatproxy.api.filter import Filter

GROUP = "flatproxy"
OWN_PACKAGE = "flatproxy"


class Registry:
    """Filter classes by name, and the hooks of the packages that have them."""

    def __init__(self) -> None:
        self.broken: dict[str, str] = {}
        """By entry point, why a package cannot be used."""
        self._hooks = pluggy.PluginManager(GROUP)
        self._hooks.add_hookspecs(hookspecs)
        self._found: dict[str, list[Found]] = {}
        self._built_in: dict[str, EntryPoint] = {}

    @classmethod
    def discover(cls) -> Registry:
        """Look at what is installed."""
        registry = cls()
        for entry in entry_points(group=GROUP):
            if entry.dist is not None and entry.dist.name == OWN_PACKAGE:
                registry._built_in[entry.name] = entry
            else:
                registry._load(entry, _origin(entry))
        return registry

    @classmethod
    def of(cls, kinds: Iterable[type[Filter]]) -> Registry:
        """Make a registry of these classes."""
        registry = cls()
        for kind in kinds:
            registry._add(Found(kind, f"module {kind.__module__}"))
        return registry

    def find(self, name: str) -> Found:
        """Return the filter of that name. Raises `FilterError` with the names that there are."""
        if name in self._built_in:
            self._load(self._built_in.pop(name), "built in")
        found = self._found.get(name, ())
        if len(found) == 1:
            return found[0]
        if found:
            owners = " and ".join(
                f"{one.kind.__module__}.{one.kind.__qualname__} ({one.origin})" for one in found
            )
            raise FilterError(f"two installed filters are named '{name}': {owners}")
        raise FilterError(self._missing(name))

    def all(self) -> list[Found]:
        """Load everything; returns the filters in the order of their names, each of two that share one among them."""
        for name in list(self._built_in):
            self._load(self._built_in.pop(name), "built in")
        return [found for name in sorted(self._found) for found in self._found[name]]

    def tell(self, hook: str) -> Iterator[str]:
        """Call `on_start` or `on_stop` of every package; yields what failed. A hook that fails does not stop the others."""
        for implementation in getattr(self._hooks.hook, hook).get_hookimpls():
            try:
                implementation.function()
            except Exception as error:  # noqa: BLE001 -- a stranger's code
                yield f"{hook} of the filter package '{implementation.plugin_name}' failed: {told(error)}"

    def identity_map(self) -> Callable[[Peer], str | None] | None:
        """Return what asks the packages who a client is; None where no package has a say in it."""
        hook = self._hooks.hook.map_identity
        return (lambda peer: hook(peer=peer)) if hook.get_hookimpls() else None

    def _missing(self, name: str) -> str:
        names = [*self._found, *self._built_in]
        known = suggest(name, names, "installed") if names else ": no filter is installed"
        failed = "".join(f"\n{reason}" for reason in self.broken.values())
        return f"no filter named '{name}'{known}{failed}"

    # === packages ===

    def _load(self, entry: EntryPoint, origin: str) -> None:
        version = entry.dist.version if entry.dist is not None else ""
        try:
            loaded = entry.load()
            kinds = [loaded] if is_filter(loaded) else self._register(loaded, entry.name, origin)
        except FilterError as error:
            self.broken[entry.name] = str(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- a stranger's module may fail in any way
            self.broken[entry.name] = f"the filter package '{entry.name}' cannot be loaded: {told(error)}"
        else:
            for kind in kinds:
                self._add(Found(kind, origin, version))

    def _register(self, module: Any, name: str, origin: str) -> Sequence[type[Filter]]:
        self._hooks.register(module, name=name)
        try:
            self._hooks.check_pending()  # a misspelt hook would otherwise never be called
            registered = [
                kind
                for hook in self._hooks.hook.register_filters.get_hookimpls()
                if hook.plugin_name == name
                for kind in filters_of(hook.function(), origin)
            ]
        except pluggy.PluginValidationError as error:
            self._hooks.unregister(name=name)
            raise FilterError(f"the filter package '{name}' has a hook that there is not: {error}") from error
        except BaseException:
            self._hooks.unregister(name=name)
            raise
        return registered

    def _add(self, found: Found) -> None:
        same = self._found.setdefault(found.name, [])
        if all(one.kind is not found.kind for one in same):
            same.append(found)


def _origin(entry: EntryPoint) -> str:
    return (
        f"package {entry.dist.name} {entry.dist.version}"
        if entry.dist is not None
        else f"entry point {entry.name}"
    )
