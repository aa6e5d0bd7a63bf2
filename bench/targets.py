"""What FlatProxy promises of its speed and memory, as data. A report says of each whether this run met it."""

import statistics
from dataclasses import dataclass
from enum import Enum

from bench.results import Results
from bench.workloads import NO_FILTER, PACE_CELL, SAMPLED_CELL, SATURATED_CELL

OURS = "flatproxy"
CPU = "cpu_us"


class Measure(Enum):
    """What of a metric is promised: how many times the other's, how much more than the other's, or itself."""

    RATIO = "ratio"
    DIFFERENCE = "difference"
    VALUE = "value"


@dataclass(frozen=True)
class Target:
    """A metric of ours against that of another, and where the ratio (or the difference, in `unit`) must lie.

    `base` names the other: a peer on the same cell, or a cell of our own on the same workload.
    """

    text: str
    workload: str
    cell: str
    metric: str
    base: str
    limit: float
    at_most: bool = True
    base_cell: str = ""
    measure: Measure = Measure.RATIO
    unit: str = ""

    @property
    def bound(self) -> str:
        """The promise as a reader meets it."""
        return f"{'≤' if self.at_most else '≥'} {self.limit:.2f} {self.unit}".rstrip()

    @property
    def against(self) -> str:
        """Whom or what it is measured against; empty: nothing."""
        return self.base_cell if self.base == OURS else self.base


@dataclass(frozen=True)
class Verdict:
    """A target and what the run says of it. No values: it was not run, or not by both."""

    target: Target
    values: tuple[float, ...]

    @property
    def value(self) -> float | None:
        """The median over the rounds."""
        return statistics.median(self.values) if self.values else None

    @property
    def met(self) -> bool | None:
        """None where there is nothing to judge by."""
        if self.value is None:
            return None
        return self.value <= self.target.limit if self.target.at_most else self.value >= self.target.limit


def _keep_alive(workload: str, envoy_limit: float) -> tuple[Target, ...]:
    return (
        Target("CPU per request", workload, SATURATED_CELL, CPU, "envoy", envoy_limit),
        Target("CPU per request", workload, SATURATED_CELL, CPU, "haproxy", 1.0),
        Target("p50 at one connection", workload, "c1", "p50_us", "envoy", 0.6),
        Target("p99 at 80 % load", workload, PACE_CELL, "p99_us", "envoy", 1.0),
    )


def _more_than_none(text: str, cell: str, limit: float) -> Target:
    return Target(
        *(text, "filter-python", cell, CPU, OURS, limit),
        base_cell=NO_FILTER,
        measure=Measure.DIFFERENCE,
        unit="µs",
    )


TARGETS: tuple[Target, ...] = (
    *_keep_alive("h1", 0.30),
    *_keep_alive("h1-tls", 0.35),
    *_keep_alive("h1-mtls", 0.35),
    Target("mTLS handshakes/s", "churn", "mtls", "rate", "envoy", 1.0, at_most=False),
    Target("mTLS handshakes/s, resumed", "churn", "mtls-resumed", "rate", "envoy", 1.0, at_most=False),
    Target("CPU per request, 10,000 routes over 10", "routes", "r10000", CPU, OURS, 1.05, base_cell="r10"),
    Target("Gbit/s per CPU-second", "big", "down", "gigabits_per_cpu_second", "haproxy", 1.0, at_most=False),
    Target("Gbit/s per CPU-second", "big", "up", "gigabits_per_cpu_second", "haproxy", 1.0, at_most=False),
    Target("memory per connection", "idle", "plain", "memory_per_connection", "envoy", 1.0),
    Target("memory per connection", "idle", "plain", "memory_per_connection", "haproxy", 2.0),
    Target("memory per connection", "idle", "mtls", "memory_per_connection", "envoy", 1.0),
    Target("memory per connection", "idle", "mtls", "memory_per_connection", "haproxy", 2.0),
    Target("CPU per request, with Lua there", "filter-python", "one", CPU, "envoy", 0.42),
    _more_than_none("CPU that a filter in Python adds", "one", 5.0),
    _more_than_none("CPU that five add", "five", 12.0),
    Target(
        "crossings into Python per request",
        *("filter-python", NO_FILTER, "crossings_per_request", "", 0.0),
        measure=Measure.VALUE,
    ),
    Target(
        "p99 beside a filter that blocks",
        "isolation",
        "blocking-busy",
        "p99_us",
        OURS,
        1.10,
        base_cell="blocking-quiet",
    ),
    Target("CPU per request, four built-ins", "builtins", SAMPLED_CELL, CPU, "envoy", 0.80),
    Target("memory after 10 million requests", "memory", "10m", "own", OURS, 1.02, base_cell="1m"),
)


def judge(results: Results) -> list[Verdict]:
    """Every target against the rows of one run, in the order above."""
    return [Verdict(target, tuple(_values(results, target))) for target in TARGETS]


def _values(results: Results, target: Target) -> list[float]:
    ours = (target.workload, target.cell, OURS)
    theirs = (target.workload, target.base_cell or target.cell, target.base)
    match target.measure:
        case Measure.RATIO:
            return results.ratios(ours, theirs, target.metric)
        case Measure.DIFFERENCE:
            return results.differences(ours, theirs, target.metric)
        case Measure.VALUE:
            return [float(getattr(row, target.metric)) for row in results.of(*ours)]
