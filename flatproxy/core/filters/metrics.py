"""Metrics that filters declare: counted under a lock of their own, written in the Prometheus text format.

What a filter puts into labels may come from clients, so the number of combinations is bounded.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST_COMBINATIONS = 1000
OTHER = "other"
# Seconds: a filter that is asked in line takes less than the first, a time-out of a minute is beyond the last.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
_OURS = ("listener", "route", "le")

Labels = tuple[str, ...]


class Series:
    """What the three kinds have in common: a name, declared labels, and the lock."""

    kind = ""

    def __init__(self, name: str, text: str, labels: Labels) -> None:
        self.name = name
        self.text = text
        self.labels = labels
        self.lock = threading.Lock()
        self._declared = frozenset(labels)

    def declaration(self) -> tuple[object, ...]:
        """What must be the same when it is declared again."""
        return type(self), self.labels

    def samples(self) -> Iterator[tuple[str, Labels, Labels, float]]:
        """Yield suffix of the name, names and values of labels, and value."""
        raise NotImplementedError

    def _combination(self, given: dict[str, str], known: Mapping[Labels, object]) -> Labels:
        """Return the values of the labels; those of the sum of all others when there are too many already."""
        if given.keys() != self._declared:
            wanted = ", ".join(self.labels) or "none"
            raise ValueError(f"{self.name} has the labels {wanted}, not {', '.join(given) or 'none'}")
        values = tuple(str(given[label]) for label in self.labels)
        if values not in known and len(known) >= MOST_COMBINATIONS:
            return (OTHER,) * len(values)
        return values


class Numbers(Series):
    """One number per combination, in a list of its own; without labels it is there from the start."""

    def __init__(self, name: str, text: str, labels: Labels) -> None:
        super().__init__(name, text, labels)
        self._values: dict[Labels, list[float]] = {} if labels else {(): [0.0]}

    def samples(self) -> Iterator[tuple[str, Labels, Labels, float]]:
        """One per combination."""
        with self.lock:
            values = [(combination, value) for combination, (value,) in self._values.items()]
        for combination, value in values:
            yield "", self.labels, combination, value

    def _value(self, labels: dict[str, str]) -> list[float]:
        """Return where the number of this combination is. Only with the lock."""
        return self._values.setdefault(self._combination(labels, self._values), [0.0])


class Counter(Numbers):
    """A number that only grows."""

    kind = "counter"

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count."""
        if not amount >= 0:
            raise ValueError(f"{self.name} only grows: {amount} cannot be added")
        with self.lock:
            self._value(labels)[0] += amount

    def labelled(self, **labels: str) -> CounterSeries:
        """Return the one series of these labels."""
        with self.lock:
            return CounterSeries(self.name, self.lock, self._value(labels))


class Gauge(Numbers):
    """A number as of now."""

    kind = "gauge"

    def set(self, value: float, **labels: str) -> None:
        """Put a value in place of the last."""
        with self.lock:
            self._value(labels)[0] = float(value)

    def add(self, amount: float, **labels: str) -> None:
        """Change it by so much."""
        with self.lock:
            self._value(labels)[0] += amount

    def labelled(self, **labels: str) -> GaugeSeries:
        """Return the one series of these labels."""
        with self.lock:
            return GaugeSeries(self.lock, self._value(labels))


class Histogram(Series):
    """How values are spread."""

    kind = "histogram"

    def __init__(self, name: str, text: str, labels: Labels, buckets: tuple[float, ...]) -> None:
        super().__init__(name, text, labels)
        self.buckets = buckets
        self._spreads: dict[Labels, Spread] = {}

    def declaration(self) -> tuple[object, ...]:
        """What must be the same when it is declared again."""
        return *super().declaration(), self.buckets

    def observe(self, value: float, **labels: str) -> None:
        """Take a value in."""
        with self.lock:
            self._spread(labels).take(value)

    def labelled(self, **labels: str) -> HistogramSeries:
        """Return the one series of these labels."""
        with self.lock:
            return HistogramSeries(self.lock, self._spread(labels))

    def samples(self) -> Iterator[tuple[str, Labels, Labels, float]]:
        """The buckets, the sum and the count of each combination."""
        with self.lock:
            copied = [(key, list(spread.counts), spread.sum) for key, spread in self._spreads.items()]
        for combination, counts, total in copied:
            below = 0
            for bound, count in zip(
                (*(f"{edge:.15g}" for edge in self.buckets), "+Inf"), counts, strict=True
            ):
                below += count
                yield "_bucket", (*self.labels, "le"), (*combination, bound), below
            yield "_sum", self.labels, combination, total
            yield "_count", self.labels, combination, below

    def _spread(self, labels: dict[str, str]) -> Spread:
        """Return what one combination has. Only with the lock."""
        combination = self._combination(labels, self._spreads)
        return self._spreads.setdefault(combination, Spread(self.buckets))


class Spread:
    """How many values of one combination are in which bucket, and their sum."""

    __slots__ = ("_buckets", "counts", "sum")

    def __init__(self, buckets: tuple[float, ...]) -> None:
        self._buckets = buckets
        self.counts = [0] * (len(buckets) + 1)
        self.sum = 0.0

    def take(self, value: float) -> None:
        """Take a value in. Only with the lock of its metric."""
        self.counts[bisect_left(self._buckets, value)] += 1
        self.sum += value


# === one series: its labels were looked at once, so that counting costs a lock and an addition ===


class CounterSeries:
    """One combination of a counter."""

    __slots__ = ("_lock", "_name", "_value")

    def __init__(self, name: str, lock: threading.Lock, value: list[float]) -> None:
        self._name, self._lock, self._value = name, lock, value

    def add(self, amount: float = 1) -> None:
        """Count."""
        if not amount >= 0:
            raise ValueError(f"{self._name} only grows: {amount} cannot be added")
        with self._lock:
            self._value[0] += amount


class GaugeSeries:
    """One combination of a gauge."""

    __slots__ = ("_lock", "_value")

    def __init__(self, lock: threading.Lock, value: list[float]) -> None:
        self._lock, self._value = lock, value

    def set(self, value: float) -> None:
        """Put a value in place of the last."""
        with self._lock:
            self._value[0] = float(value)

    def add(self, amount: float) -> None:
        """Change it by so much."""
        with self._lock:
            self._value[0] += amount


class HistogramSeries:
    """One combination of a histogram."""

    __slots__ = ("_lock", "_spread")

    def __init__(self, lock: threading.Lock, spread: Spread) -> None:
        self._lock, self._spread = lock, spread

    def observe(self, value: float) -> None:
        """Take a value in."""
        with self._lock:
            self._spread.take(value)


Kind = TypeVar("Kind", bound=Series)


class FilterMetrics:
    """The metrics of one instance. `prefix` and `place` (listener and route) are put in front of what it declares."""

    def __init__(self, prefix: str, place: tuple[str, str]) -> None:
        self.place = place
        self._prefix = prefix
        self._series: dict[str, Series] = {}
        self._lock = threading.Lock()

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:  # noqa: A002 -- the word of the format
        """Declare a counter."""
        return self._declare(Counter(*self._checked(name, help, labels)))

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:  # noqa: A002
        """Declare a gauge."""
        return self._declare(Gauge(*self._checked(name, help, labels)))

    def histogram(
        self,
        name: str,
        help: str,  # noqa: A002
        labels: Sequence[str] = (),
        buckets: Sequence[float] = (),
    ) -> Histogram:
        """Declare a histogram."""
        edges = tuple(float(edge) for edge in buckets) or BUCKETS
        if list(edges) != sorted(set(edges)):
            raise ValueError(f"the buckets of {name} must grow: {', '.join(map(str, edges))}")
        return self._declare(Histogram(*self._checked(name, help, labels), edges))

    def all(self) -> list[Series]:
        """Return everything that was declared."""
        with self._lock:
            return list(self._series.values())

    def _checked(self, name: str, text: str, labels: Sequence[str]) -> tuple[str, str, Labels]:
        words: tuple[object, ...] = (name, *labels)
        for word in words:
            if not (isinstance(word, str) and _NAME.fullmatch(word)) or word in _OURS:
                raise ValueError(
                    f"{word!r} is no name for a metric or a label: use words such as denied_total"
                )
        if len(set(labels)) != len(labels):
            raise ValueError(f"{name} has a label twice")
        return self._prefix + name, str(text), tuple(labels)

    def _declare(self, series: Kind) -> Kind:
        with self._lock:
            known = self._series.setdefault(series.name, series)
        if known.declaration() != series.declaration():
            raise ValueError(f"{series.name} is declared already, as another kind or with other labels")
        assert isinstance(known, type(series))
        return known


def render(sets: Iterable[FilterMetrics]) -> str:
    """Write metrics of many instances in the Prometheus text format, version 0.0.4, one family after the other.

    Where two versions of a filter overlap and disagree about the kind of a metric, the first is written.
    """
    families: dict[str, list[tuple[tuple[str, str], Series]]] = {}
    for one in sets:
        for series in one.all():
            family = families.setdefault(series.name, [])
            if not family or family[0][1].declaration() == series.declaration():
                family.append((one.place, series))
    return "".join(f"{line}\n" for family in families.values() for line in _family(family))


def _family(members: list[tuple[tuple[str, str], Series]]) -> Iterator[str]:
    first = members[0][1]
    text = first.text.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {first.name} {text}"
    yield f"# TYPE {first.name} {first.kind}"
    for place, series in members:
        for suffix, names, values, number in series.samples():
            pairs = zip(("listener", "route", *names), (*place, *values), strict=True)
            labels = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in pairs)
            yield f"{series.name}{suffix}{{{labels}}} {number:.15g}"
