"""The filters of a configuration -> instances, each at its place on a route, or every problem at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from flatproxy.config.errors import Problem
from flatproxy.config.wording import problem_of
from flatproxy.core.filters.files import is_file
from flatproxy.core.filters.found import FilterError, Found, told

if TYPE_CHECKING:
    from flatproxy.api.filter import Filter, Options
    from flatproxy.config.models import Config
    from flatproxy.config.routes import FilterUse
    from flatproxy.config.source import Steps
    from flatproxy.core.filters.files import FilterFiles
    from flatproxy.core.registry import Registry


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """One filter of one route."""

    key: str
    """Names the instance in the plan document. Routes that share an instance share its key."""
    found: Found
    use: FilterUse
    options: Options
    filter: Filter
    listener: str
    route: str
    place: str
    """Where the configuration says so."""

    @property
    def scope(self) -> tuple[str, str] | None:
        """Whose filter it is: the names of listener and route, or None when routes share it."""
        return None if self.found.kind.shared else (self.listener, self.route)


class Placement:
    """The filters of all routes. With problems it is not complete."""

    def __init__(self, config: Config, registry: Registry, files: FilterFiles) -> None:
        self.problems: list[Problem] = []
        self.chains: dict[tuple[int, int], tuple[Placed, ...]] = {}
        """By the number of the listener and of its route; only routes that have filters."""
        self._source = config.source
        self._registry = registry
        self._files = files
        self._known: dict[str, Found | FilterError] = {}
        self._shared: dict[type[Filter], list[tuple[Options, Filter]]] = {}
        self._names: dict[str, Found] = {}
        for number, listener in enumerate(config.listeners):
            for index, route in enumerate(listener.routes):
                if route.filters:
                    path = ("listeners", number, "routes", index, "filters")
                    placed = [
                        self._place(use, (*path, position), (listener.name, route.name, position))
                        for position, use in enumerate(route.filters)
                    ]
                    self.chains[number, index] = tuple(one for one in placed if one is not None)

    @property
    def placed(self) -> tuple[Placed, ...]:
        """All of them, in the order of the file."""
        return tuple(one for chain in self.chains.values() for one in chain)

    def _place(self, use: FilterUse, path: Steps, where: tuple[str, str, int]) -> Placed | None:
        self._refuse_what_is_not_there_yet(use, path)
        try:
            found = self._find(use.use)
            self._name(found)
        except FilterError as error:
            self._problem((*path, "use"), str(error))
            return None
        options = self._options(found.kind, use.options, (*path, "options"))
        if options is None:
            return None
        try:
            key, instance = self._instance(found.kind, options, where)
        except Exception as error:  # noqa: BLE001 -- a stranger's constructor may fail in any way
            self._problem((*path, "use"), f"{found.name} cannot be made: {told(error)}")
            return None
        place = str(self._source.place((*path, "use")))
        return Placed(key, found, use, options, instance, *where[:2], place)

    def _problem(self, path: Steps, message: str) -> None:
        self.problems.append(Problem(self._source.place(path), message))

    def _refuse_what_is_not_there_yet(self, use: FilterUse, path: Steps) -> None:
        if use.impl == "wasm":
            self._problem(
                (*path, "impl"), "`impl: wasm`: WebAssembly filters are not supported by this version"
            )
        if use.limits is not None:
            message = "`limits` are for WebAssembly filters, which this version does not run; `timeout` bounds a phase"
            self.problems.append(Problem(self._source.place_of_key((*path, "limits")), message))

    # === class ===

    def _find(self, use: str) -> Found:
        """Return the filter; the same for every route that uses it. Raises `FilterError`."""
        if use not in self._known:
            try:
                self._known[use] = self._look_up(use)
            except FilterError as error:
                self._known[use] = error
        found = self._known[use]
        if isinstance(found, FilterError):
            raise found
        return found

    def _look_up(self, use: str) -> Found:
        if use.startswith("oci://"):
            raise FilterError(f"'{use}': filters from a catalog are not supported by this version")
        if use.endswith(".wasm"):
            raise FilterError(f"'{use}': WebAssembly filters are not supported by this version")
        return self._files.find(use) if is_file(use) else self._registry.find(use)

    def _name(self, found: Found) -> None:
        """One name means one filter, in the log and in metrics."""
        first = self._names.setdefault(found.name, found)
        if first.kind is not found.kind:
            raise FilterError(
                f"two filters of this configuration are named '{found.name}': one from {first.origin}, one from {found.origin}"
            )

    # === options and instance ===

    def _options(self, kind: type[Filter], options: dict[str, Any], path: Steps) -> Options | None:
        try:
            return kind.Options.model_validate(options, context={"folder": self._source.folder})
        except ValidationError as error:
            details = error.errors(include_url=False)
            self.problems += [
                problem_of(detail, self._source, base=path, model=kind.Options) for detail in details
            ]
        except Exception as error:  # noqa: BLE001 -- a stranger's validator may fail in any way
            self._problem(path, f"the options cannot be checked: {told(error)}")
        return None

    def _instance(
        self, kind: type[Filter], options: Options, where: tuple[str, str, int]
    ) -> tuple[str, Filter]:
        if not kind.shared:
            # No name holds a ':', so two keys are never the same by chance.
            return ":".join(map(str, where)), kind(options)
        same = self._shared.setdefault(kind, [])
        number = next((number for number, (known, _) in enumerate(same) if known == options), len(same))
        if number == len(same):
            same.append((options, kind(options)))
        return f"::{kind.name}:{number}", same[number][1]
