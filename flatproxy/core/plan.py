"""config + registry + identity -> Plan: the immutable compiled form of a configuration, or every problem at once.

Building one opens the files that the configuration names, touches no network and starts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgpack

from flatproxy.config.errors import ConfigErrors, Problem
from flatproxy.core.description import describe_plan
from flatproxy.core.document import document_of
from flatproxy.core.document_tls import Credentials, OwnIdentity
from flatproxy.core.planner import PlannedRoute, plan_routes

if TYPE_CHECKING:
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

    @classmethod
    def build(cls, config: Config, registry: Registry, identity: OwnIdentity | None) -> Plan:
        """Compile a configuration. `identity` is None when the configuration has none.

        Raises `ConfigErrors` with every problem; a plan that serves already is not affected.
        """
        credentials = Credentials(config.source, identity)
        document = document_of(config, credentials)
        problems = credentials.problems + _filter_problems(config, registry)
        if problems:
            raise ConfigErrors(problems)
        routes = plan_routes(config)
        return cls(msgpack.packb(document), describe_plan(config, document, routes), routes)


def _filter_problems(config: Config, registry: Registry) -> list[Problem]:
    problems = []
    for number, listener in enumerate(config.listeners):
        for index, route in enumerate(listener.routes):
            for position, use in enumerate(route.filters):
                message = (
                    registry.missing(use.use)
                    or f"'{use.use}' is installed, but this version runs no filters yet"
                )
                path = ("listeners", number, "routes", index, "filters", position, "use")
                problems.append(Problem(config.source.place(path), message))
    return problems
