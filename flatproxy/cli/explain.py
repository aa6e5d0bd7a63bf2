"""`flatproxy explain`: what a configuration means, route by route, or for one request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flatproxy.cli.explain_chain import print_chain, print_table
from flatproxy.cli.planned import planned
from flatproxy.cli.report import DEFAULT_CONFIG, ConfigOption, fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flatproxy.core.lookup import Answer

EXAMPLE = "flatproxy explain -c flatproxy.yaml http://orders.demo/v1/orders"
Description = dict[str, Any]

UrlArgument = Annotated[
    str | None,
    typer.Argument(metavar="[URL]", help="A URL or a path: which route would take it?", show_default=False),
]
MethodOption = Annotated[
    str, typer.Option("--method", "-X", metavar="METHOD", help="The method of that request.")
]
HeaderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--header", "-H", metavar="'NAME: VALUE'", help="A header of that request; may be repeated."
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON: the whole plan without secrets, or the answers.")
]


def explain(
    url: UrlArgument = None,
    config: ConfigOption = DEFAULT_CONFIG,
    method: MethodOption = "GET",
    header: HeaderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what every route matches, where it goes, and its tier; or which route takes one request, and what it asks."""
    if url is None:
        description = planned(config)[1].description
        rows = [
            _route_row(listener, route)
            for listener in description["listeners"]
            for route in listener["routes"]
        ]
        _print(
            description,
            ("listener", "route", "match", "filters", "goes to", "tier", "why"),
            rows,
            as_json=as_json,
        )
        return
    answers, description = _answers(config, url, method, header or [])
    routes = [_route_of(answer, description) for answer in answers]
    found = [_answer_row(answer, description) for answer in answers]
    listing = [_listed(answer, route) for answer, route in zip(answers, routes, strict=True)]
    _print(listing, ("listener", "route", "because", "goes to", "tier"), found, as_json=as_json)
    if not as_json:
        for answer, route in zip(answers, routes, strict=True):
            if route is not None:
                print_chain(answer.listener, route)


def _print(value: Any, columns: Sequence[str], rows: Sequence[Sequence[str]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(value, indent=2))
    else:
        print_table(columns, rows)


# === one request ===


def _answers(
    path: ConfigOption, url: str, method: str, headers: list[str]
) -> tuple[list[Answer], Description]:
    pairs = [_header(line) for line in headers]
    config, plan = planned(path)
    try:
        from flatproxy.core.lookup import look_up

        return look_up(plan, config, url, method, pairs), plan.description
    except (ValueError, ImportError) as error:
        fail(str(error))


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise typer.BadParameter(f"'{line}' is no header; write it as 'name: value'", param_hint="--header")
    return name.strip(), value.strip()


def _route_of(answer: Answer, description: Description) -> Description | None:
    routes: list[Description] = _listener_of(answer, description)["routes"]
    return next((route for route in routes if route["name"] == answer.route), None)


def _listener_of(answer: Answer, description: Description) -> Description:
    listeners: list[Description] = description["listeners"]
    return next(item for item in listeners if item["name"] == answer.listener)


def _listed(answer: Answer, route: Description | None) -> Description:
    """One answer as JSON: the route, and what it asks its filters."""
    listed = {"listener": answer.listener, "route": answer.route, "refused": answer.refused}
    if route is None:
        return listed
    return {**listed, **{key: route[key] for key in ("tier", "why", "filters", "phases")}}


def _answer_row(answer: Answer, description: Description) -> Sequence[str]:
    listener, route = _listener_of(answer, description), _route_of(answer, description)
    if answer.refused is not None:
        return _listener(listener), "-", f"refused: {answer.refused}", "answers 400", "-"
    if route is None:
        return _listener(listener), "-", "no route matches", "answers 404", "-"
    because = f"the most specific that holds: {_match(route['match'])}"
    return _listener(listener), route["name"], because, _action(route["action"]), route["tier"]


# === routes in words ===


def _route_row(listener: Mapping[str, Any], route: Mapping[str, Any]) -> Sequence[str]:
    filters = ", ".join(one["name"] for one in route["filters"]) or "-"
    goes_to = _action(route["action"])
    return (
        _listener(listener),
        route["name"],
        _match(route["match"]),
        filters,
        goes_to,
        route["tier"],
        route["why"],
    )


def _listener(listener: Mapping[str, Any]) -> str:
    tls = f", tls {listener['tls']['mode']}" if listener["tls"] else ""
    return f"{listener['name']} ({listener['address']}{tls})"


def _match(match: Mapping[str, Any]) -> str:
    """Write a match the way one would say it: `GET,POST orders.demo /v1/* x-env=prod`."""
    return " ".join(_parts(match)) or "everything"


def _parts(match: Mapping[str, Any]) -> Iterator[str]:
    if match["methods"]:
        yield ",".join(match["methods"])
    if match["hosts"]:
        yield ",".join(match["hosts"])
    if match["path"] != "any":
        ((kind, text),) = match["path"].items()
        yield {"exact": text, "prefix": f"{text.rstrip('/')}/*", "regex": f"~{text}"}[kind]
    for field in match["headers"]:
        yield _field(field)
    for field in match["query"]:
        yield f"?{_field(field)}"


def _field(field: Mapping[str, Any]) -> str:
    name, value = field["name"], field["value"]
    if isinstance(value, str):  # hidden
        return f"{name}={value}"
    ((kind, wanted),) = value.items()
    if kind == "present":
        return name if wanted else f"!{name}"
    return {"exact": f"{name}={wanted}", "prefix": f"{name}={wanted}*", "regex": f"{name}~{wanted}"}[kind]


def _action(action: Mapping[str, Any]) -> str:
    if "redirect" in action:
        redirect = action["redirect"]
        target = [f"{key} {redirect[key]}" for key in ("scheme", "host", "path", "prefix") if redirect[key]]
        return f"redirect {redirect['status']}: {', '.join(target)}"
    if "respond" in action:
        return f"respond {action['respond']['status']}"
    targets = action["forward"]["upstreams"]
    if len(targets) == 1:
        return str(targets[0]["upstream"])
    total = sum(target["weight"] for target in targets)
    return ", ".join(f"{target['upstream']} {target['weight'] * 100 / total:.3g}%" for target in targets)
