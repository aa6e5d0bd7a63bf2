"""Is there a request left for every route?

Routes are tried by specificity, so a broad route never hides a narrow one. What hides a route is another one, earlier
in the file, with the same host, path, headers and query, and with the same methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flatproxy.config.checks.findings import Findings
    from flatproxy.config.models import Config
    from flatproxy.config.routes import PathMatch, RouteMatch, ValueMatch
    from flatproxy.config.source import Steps

_ANY = ""


def check(config: Config, findings: Findings) -> None:
    """Find routes that no request can reach."""
    for number, listener in enumerate(config.listeners):
        owner: dict[Any, int] = {}
        for index, route in enumerate(listener.routes):
            owners = {owner.setdefault(case, index) for case in _cases(route.match)}
            if index not in owners:
                names = ", ".join(f"'{listener.routes[earlier].name}'" for earlier in sorted(owners))
                path: Steps = ("listeners", number, "routes", index)
                what = "matches the same" if len(owners) == 1 else "together match the same"
                findings.error(path, f"route '{route.name}' is never reached: {names} before it {what}")


def _cases(match: RouteMatch) -> Iterator[tuple[Any, ...]]:
    """Yield each host and method of a match with all else that it asks for."""
    rest = (_path(match.path), _fields(match.headers), _fields(match.query))
    for host in match.host or (_ANY,):
        for method in match.methods or (_ANY,):
            yield host, method, *rest


def _path(path: PathMatch | None) -> tuple[str | None, ...]:
    if path is None:
        return (None, None, None)
    prefix = path.prefix.rstrip("/") if path.prefix is not None else None
    return (path.exact, prefix, path.regex)


def _fields(fields: dict[str, ValueMatch]) -> frozenset[Any]:
    return frozenset(
        (name, value.exact, value.prefix, value.regex, value.present) for name, value in fields.items()
    )
