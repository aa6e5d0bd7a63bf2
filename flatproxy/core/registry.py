"""The filters that are installed: packages announce them through the entry point group `flatproxy`, pluggy finds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from flatproxy.api import hookspecs
from flatproxy.config.wording import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GROUP = "flatproxy"


class RegistryError(Exception):
    """The installed filters contradict each other, or one of them cannot be loaded."""


@dataclass(frozen=True, slots=True)
class Registry:
    """Filter classes by name."""

    filters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def discover(cls) -> Registry:
        """Load what is installed. Raises `RegistryError` with the package that is at fault."""
        manager = pluggy.PluginManager(GROUP)
        manager.add_hookspecs(hookspecs)
        for entry in entry_points(group=GROUP):
            try:
                manager.register(entry.load(), name=entry.name)
            except Exception as error:  # a stranger's module may fail in any way
                raise RegistryError(f"the filter package '{entry.name}' cannot be loaded: {error}") from error
        try:
            manager.check_pending()  # a misspelt hook would otherwise never be called
        except pluggy.PluginValidationError as error:
            raise RegistryError(str(error)) from error
        return cls.of(item for found in manager.hook.register_filters() for item in found)

    @classmethod
    def of(cls, filters: Iterable[Any]) -> Registry:
        """Make a registry of these classes. Raises `RegistryError` when two have one name."""
        by_name: dict[str, Any] = {}
        for item in filters:
            name = getattr(item, "name", None)
            if not isinstance(name, str) or not name:
                raise RegistryError(f"the filter {item!r} has no `name`")
            if name in by_name and by_name[name] is not item:
                raise RegistryError(
                    f"two installed filters are named '{name}': {by_name[name]!r} and {item!r}"
                )
            by_name[name] = item
        return cls(by_name)

    def missing(self, use: str) -> str | None:
        """Say why `use` names no filter, or return None when it does."""
        if use in self.filters:
            return None
        if not self.filters:
            return f"no filter named '{use}': no filter is installed"
        return f"no filter named '{use}'{suggest(use, self.filters, 'installed')}"
