"""What a filter may use of the proxy it runs in. Everything here may be called from any thread, and never waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Log(Protocol):
    """Lines in the proxy's log, each with the filter and its route. Too many at once are dropped and counted."""

    def info(self, message: str, **fields: object) -> None:
        """Say what an operator may want to know."""

    def warning(self, message: str, **fields: object) -> None:
        """Say what is odd."""

    def error(self, message: str, **fields: object) -> None:
        """Say what has failed."""


class Counter(Protocol):
    """A number that only grows."""

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count. Raises ValueError when `amount` is negative or the labels are not the declared ones."""

    def labelled(self, **labels: str) -> CounterSeries:
        """Return the one series of these labels, which is there from then on: what is counted for every request."""


class Gauge(Protocol):
    """A number as of now."""

    def set(self, value: float, **labels: str) -> None:
        """Put a value in place of the last. Raises ValueError when the labels are not the declared ones."""

    def add(self, amount: float, **labels: str) -> None:
        """Change it by so much; negative amounts lower it."""

    def labelled(self, **labels: str) -> GaugeSeries:
        """Return the one series of these labels."""


class Histogram(Protocol):
    """How values are spread."""

    def observe(self, value: float, **labels: str) -> None:
        """Take a value in. Raises ValueError when the labels are not the declared ones."""

    def labelled(self, **labels: str) -> HistogramSeries:
        """Return the one series of these labels."""


class CounterSeries(Protocol):
    """A counter whose labels were looked at once: `add` takes a quarter of the time."""

    def add(self, amount: float = 1) -> None:
        """Count. Raises ValueError when `amount` is negative."""


class GaugeSeries(Protocol):
    """A gauge whose labels were looked at once."""

    def set(self, value: float) -> None:
        """Put a value in place of the last."""

    def add(self, amount: float) -> None:
        """Change it by so much; negative amounts lower it."""


class HistogramSeries(Protocol):
    """A histogram whose labels were looked at once."""

    def observe(self, value: float) -> None:
        """Take a value in."""


class Metrics(Protocol):
    """Metrics of one filter on one route.

    On the admin address `denied_total` of `acme.deny_list` is `flatproxy_filter_acme_deny_list_denied_total`, with the
    labels `listener` and `route` beside the declared ones. Each metric keeps at most 1,000 combinations of labels; what
    comes after them is summed up with every label `other`. Declaring the same metric again returns it; declaring it
    differently raises ValueError.
    """

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:  # noqa: A002 -- the word of the format
        """Declare a counter; its name should end in `_total`."""

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:  # noqa: A002
        """Declare a gauge."""

    def histogram(
        self,
        name: str,
        help: str,  # noqa: A002
        labels: Sequence[str] = (),
        buckets: Sequence[float] = (),
    ) -> Histogram:
        """Declare a histogram. `buckets` are upper bounds; none: from 0.5 ms to 10 s, in seconds."""


class Host(Protocol):
    """The proxy, as one filter sees it. The same object from `open` to `close`."""

    @property
    def listener(self) -> str:
        """The name of the listener; empty for a shared filter."""

    @property
    def route(self) -> str:
        """The name of the route; empty for a shared filter."""

    @property
    def log(self) -> Log:
        """The log."""

    @property
    def metrics(self) -> Metrics:
        """The metrics."""

    def now(self) -> float:
        """Return monotonic seconds: the clock of `exchange.now`. A test sets it."""
