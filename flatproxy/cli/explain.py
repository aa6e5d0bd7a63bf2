"""`flatproxy explain`: what a configuration means, route by route."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flatproxy.cli.report import DEFAULT_CONFIG, ConfigOption, fail, out, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.table import Table

EXAMPLE = "flatproxy explain -c flatproxy.yaml"
_COLUMNS = ("listener", "route", "match", "filters", "goes to", "tier", "why")


def explain(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole plan as JSON, without secrets.")
    ] = False,
) -> None:
    """Print what every route matches, where it goes, and the tier it runs in."""
    from flatproxy.config import ConfigErrors, load
    from flatproxy.core.preview import preview

    try:
        loaded = load(config)
        plan = preview(loaded)
    except ConfigErrors as errors:
        fail(errors)
    warn(loaded)
    if as_json:
        print(json.dumps(plan.description, indent=2))
    else:
        out().print(_table(plan.description))


def _table(description: Mapping[str, Any]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(*_COLUMNS, box=SIMPLE_HEAD, pad_edge=False)
    for listener in description["listeners"]:
        for route in listener["routes"]:
            table.add_row(
                f"{listener['name']} ({listener['address']}{_tls(listener['tls'])})",
                route["name"],
                " ".join(_match(route["match"])) or "everything",
                ", ".join(route["filters"]) or "-",
                _action(route["action"]),
                route["tier"],
                route["why"],
            )
    return table


def _tls(tls: Mapping[str, Any] | None) -> str:
    return f", tls {tls['mode']}" if tls else ""


def _match(match: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of a match the way one would say them: `GET,POST orders.demo /v1/* x-env=prod`."""
    if match["methods"]:
        yield ",".join(match["methods"])
    yield from match["hosts"]
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
