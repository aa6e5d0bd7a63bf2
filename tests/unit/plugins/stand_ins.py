"""Stand-ins for what a filter is given: an exchange without a connection, a host that writes down what it is told."""

import time
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any


class Fields:
    """The header fields of a message."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.pairs = list(pairs)

    def get(self, name: str, default: Any = None) -> Any:
        return next(iter(self.get_all(name)), default)

    def get_all(self, name: str) -> list[str]:
        return [value for one, value in self.pairs if one.lower() == name.lower()]

    def __contains__(self, name: str) -> bool:
        return bool(self.get_all(name))

    def __getitem__(self, name: str) -> str:
        return self.get_all(name)[0]

    def __setitem__(self, name: str, value: str) -> None:
        self.remove(name)
        self.add(name, value)

    def add(self, name: str, value: str) -> None:
        self.pairs.append((name, value))

    def remove(self, name: str) -> bool:
        before = len(self.pairs)
        self.pairs = [pair for pair in self.pairs if pair[0].lower() != name.lower()]
        return len(self.pairs) < before


@dataclass
class Counted:
    """A counter or a gauge: the amounts by labels."""

    amounts: dict[tuple[str, ...], float] = field(default_factory=dict)

    def add(self, amount: float = 1, **labels: str) -> None:
        key = tuple(labels.values())
        self.amounts[key] = self.amounts.get(key, 0) + amount

    def set(self, value: float, **labels: str) -> None:
        self.amounts[tuple(labels.values())] = value

    def labelled(self, **labels: str) -> Any:
        return SimpleNamespace(add=partial(self.add, **labels), set=partial(self.set, **labels))


class Told:
    """A host, its log and its metrics in one."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self.counters: dict[str, Counted] = {}
        self.log = self.metrics = self
        self.listener, self.route = "web", "all"

    def info(self, message: str, **fields: Any) -> None:
        self.lines.append((message, fields))

    warning = error = info

    def now(self) -> float:
        return time.monotonic()

    def counter(self, name: str, *_: Any) -> Counted:
        return self.counters.setdefault(name, Counted())

    gauge = counter


def exchange(
    method: str = "GET",
    path: str = "/",
    *headers: tuple[str, str],
    identity: str | None = None,
    address: str = "192.0.2.7",
    told: Told | None = None,
    reply: Fields | None = None,
) -> Any:
    """An exchange as it is in on_request; with `reply` also as it is in on_response."""
    host = told or Told()
    return SimpleNamespace(
        peer=SimpleNamespace(identity=identity, address=address, port=4711, secure=identity is not None),
        request=SimpleNamespace(
            method=method, path=path, query=None, host="shop.demo", headers=Fields(*headers)
        ),
        response=SimpleNamespace(status=200, headers=reply or Fields()),
        route="all",
        state=None,
        log=host,
        metrics=host,
    )
