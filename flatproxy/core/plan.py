"""config + registry + identity -> Plan: the immutable compiled form of a configuration, or every problem at once.

Building one opens the files that the configuration names, loads and makes its filters (`filters/placing.py`), touches
no network and starts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgpack

from flatproxy.config.errors import ConfigErrors
from flatproxy.core.description import describe_plan
from flatproxy.core.document import document_of
from flatproxy.core.document_tls import Credentials, OwnIdentity
from flatproxy.core.filters.files import FilterFiles
from flatproxy.core.filters.placing import Placed, Placement
from flatproxy.core.planner import PlannedRoute, plan_routes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flatproxy.api.filter import Filter
    from flatproxy.config.models import Config
    from flatproxy.core.registry import Registry

__all__ = ["OwnIdentity", "Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the native core is given, and what people are shown of it."""

    document: bytes = field(repr=False)  # holds private keys
    """msgpack, for `Engine.apply`."""
    description: dict[str, Any]
    """JSON, without secrets: for `/plan` and `flatproxy explain`."""
    routes: tuple[PlannedRoute, ...]
    """The tier of every route, in the order of the file."""

    placed: tuple[Placed, ...] = field(default=(), repr=False)
    """The filters of all routes, made and not opened."""
    filter_sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The texts of the filter files that it was built from, by `use`."""
    warnings: tuple[str, ...] = ()
    """What is odd about what is installed."""

    @property
    def filters(self) -> dict[str, Filter]:
        """The instances, by the key that the document calls them."""
        return {one.key: one.filter for one in self.placed}

    @classmethod
    def build(
        cls,
        config: Config,
        registry: Registry,
        identity: OwnIdentity | None,
        filter_sources: Mapping[str, str] | None = None,
    ) -> Plan:
        """Compile a configuration. `identity` is None when the configuration has none.

        `filter_sources` are texts of filter files that are not read again. Raises `ConfigErrors` with every problem; a
        plan that serves already is not affected.
        """
        files = FilterFiles(config.source.folder, filter_sources)
        placement = Placement(config, registry, files)
        credentials = Credentials(config.source, identity)
        document = document_of(config, credentials, placement.chains)
        problems = credentials.problems + placement.problems
        if problems:
            raise ConfigErrors(problems)
        routes = plan_routes(config, placement.chains)
        description = describe_plan(config, document, routes)
        warnings = tuple(registry.broken.values())
        return cls(msgpack.packb(document), description, routes, placement.placed, files.sources, warnings)
