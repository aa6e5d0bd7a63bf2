"""The filters of a plan as a successor of the process gets them, and how it makes them anew.

Their classes come from the texts and packages that they came from, with the same options: a filter that guards a route
guards it after a crash too, or the route is not served. What an instance knew is gone with the process.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flatproxy.config.routes import FilterUse
from flatproxy.core.filters.files import FilterFiles, is_file
from flatproxy.core.filters.found import FilterError, told
from flatproxy.core.filters.placing import Placed
from flatproxy.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flatproxy.api.filter import Filter

KeptFilter = dict[str, str]


def keep(placed: Iterable[Placed]) -> list[KeptFilter]:
    """Describe what is needed to make these again."""
    return [
        {
            "key": one.key,
            "use": one.use.use,
            "options": json.dumps(one.use.options),  # msgpack has no numbers as large as a file may
            "listener": one.listener,
            "route": one.route,
            "place": one.place,
        }
        for one in placed
    ]


def restore(kept: Sequence[KeptFilter], folder: str, sources: Mapping[str, str]) -> list[Placed]:
    """Make them again. Raises `FilterError` with everything that failed."""
    if not kept:
        return []
    restorer = _Restorer(Path(folder), sources)
    placed, failed = [], []
    for one in kept:
        try:
            placed.append(restorer.restore(one))
        except Exception as error:  # noqa: BLE001 -- a stranger's code
            failed.append(f"{one['place']}: {error if isinstance(error, FilterError) else told(error)}")
    if failed:
        raise FilterError("\n".join(failed))
    return placed


class _Restorer:
    def __init__(self, folder: Path, sources: Mapping[str, str]) -> None:
        self._folder = folder
        self._registry = Registry.discover()
        self._files = FilterFiles(folder, sources)
        self._made: dict[str, tuple[Any, Filter]] = {}

    def restore(self, kept: KeptFilter) -> Placed:
        use = FilterUse(use=kept["use"], options=json.loads(kept["options"]))
        found = self._files.find(use.use) if is_file(use.use) else self._registry.find(use.use)
        if kept["key"] not in self._made:
            options = found.kind.Options.model_validate(use.options, context={"folder": self._folder})
            self._made[kept["key"]] = options, found.kind(options)
        options, instance = self._made[kept["key"]]
        return Placed(
            kept["key"], found, use, options, instance, kept["listener"], kept["route"], kept["place"]
        )
