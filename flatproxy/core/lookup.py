"""Which route would take a request? The core's own router is asked, so the answer is what would happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flatproxy.core import native

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flatproxy.config.listeners import Listener
    from flatproxy.config.models import Config
    from flatproxy.core.plan import Plan

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one listener would do: give the request to a route, answer 404 (neither is set), or refuse it."""

    listener: str
    route: str | None = None
    refused: str | None = None


def look_up(plan: Plan, config: Config, url: str, method: str, headers: Sequence[Header]) -> list[Answer]:
    """Ask the listeners that a URL or a path may lead to. Raises ValueError for what is no URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("", "http", "https") or not (parts.netloc or url.startswith("/")):
        raise ValueError(
            f"'{url}' is neither a path such as /v1/orders nor a URL such as http://orders.demo/v1/orders"
        )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = list(headers)
    if not any(name.lower() == "host" for name, _ in sent):
        sent.insert(0, ("host", parts.netloc.rpartition("@")[2] or "localhost"))
    return [_ask(plan, listener, method, target, sent) for listener in _listeners(config, parts.port)]


def _listeners(config: Config, port: int | None) -> list[Listener]:
    """Return the listeners on the port that the URL names, or all: what is in front may have another."""
    return [listener for listener in config.listeners if listener.listen.port == port] or list(
        config.listeners
    )


def _ask(plan: Plan, listener: Listener, method: str, target: str, headers: list[Header]) -> Answer:
    if any(
        mark in text
        for text in (method, target, *(part for header in headers for part in header))
        for mark in "\r\n"
    ):
        return Answer(listener.name, refused="a line break can be no part of a request head")
    try:
        return Answer(
            listener.name, route=native.find_route(plan.document, listener.name, method, target, headers)
        )
    except ValueError as error:
        return Answer(listener.name, refused=str(error))
