"""Is there a request left for every route?

Routes are tried by specificity (docs/routing.md), so a broad route never hides a narrow one. What hides a route is
another one of the same host and path that is tried before it and asks no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flatproxy.config.checks.findings import Findings
    from flatproxy.config.models import Config
    from flatproxy.config.routes import PathMatch, Route, RouteMatch, ValueMatch
    from flatproxy.config.source import Steps

_ANY = ""


def check(config: Config, findings: Findings) -> None:
    """Find routes that no request can reach."""
    for number, listener in enumerate(config.listeners):
        # Routes that could hide each other share a key: comparing each with each would take 10,000 routes for ever.
        earlier: dict[Any, list[Route]] = {}
        for index, route in enumerate(listener.routes):
            hiding = [_hiding(route, earlier.setdefault(case, [])) for case in _cases(route.match)]
            if None not in hiding:
                path: Steps = ("listeners", number, "routes", index)
                names = sorted({f"'{other.name}'" for other in hiding if other is not None})
                takes = "takes" if len(names) == 1 else "together take"
                findings.error(
                    path,
                    f"route '{route.name}' is never reached: {', '.join(names)} {takes} all its requests",
                )


def _hiding(route: Route, earlier: list[Route]) -> Route | None:
    """Return the route that is asked first and takes all that this one would, then remember this one, too."""
    found = next((other for other in earlier if _asks_no_more(other.match, route.match)), None)
    earlier.append(route)
    return found


def _cases(match: RouteMatch) -> Iterator[tuple[Any, ...]]:
    """Yield each host and method of a match with what another match must have in common with it to hide it.

    A route with other header or query names either asks more, or is tried later because it asks less.
    """
    rest = (_path(match.path), _outline(match.headers), _outline(match.query))
    for host in match.host or (_ANY,):
        for method in match.methods or (_ANY,):
            yield host, method, *rest


def _path(path: PathMatch | None) -> tuple[str | None, ...]:
    if path is None:
        return (None, None, None)
    prefix = path.prefix.rstrip("/") if path.prefix is not None else None
    return (path.exact, prefix, path.regex)


def _outline(fields: Mapping[str, ValueMatch]) -> frozenset[tuple[str, str | None]]:
    return frozenset((name, value.exact) for name, value in fields.items())


def _asks_no_more(one: RouteMatch, other: RouteMatch) -> bool:
    """Tell whether what holds for `other` holds for `one`. Their outlines are the same."""
    headers = all(_follows(value, other.headers[name]) for name, value in one.headers.items())
    return headers and all(_follows(value, other.query[name]) for name, value in one.query.items())


def _follows(wanted: ValueMatch, given: ValueMatch) -> bool:
    if wanted == given:
        return True
    if wanted.present:
        return given.present is not False
    return wanted.prefix is not None and given.prefix is not None and given.prefix.startswith(wanted.prefix)
