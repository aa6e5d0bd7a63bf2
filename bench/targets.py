"""What FlatProxy promises of its speed and memory, as data. A report says of each whether this run met it."""

import statistics
from dataclasses import dataclass

from bench.results import Results
from bench.workloads import PACE_CELL, SATURATED_CELL

OURS = "flatproxy"
CPU = "cpu_us"


@dataclass(frozen=True)
class Target:
    """A metric of ours over that of another, and where the ratio must lie.

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


@dataclass(frozen=True)
class Verdict:
    """A target and what the run says of it. No ratios: it was not run, or not by both."""

    target: Target
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float | None:
        """The median over the rounds."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def met(self) -> bool | None:
        """None where there is nothing to judge by."""
        if self.ratio is None:
            return None
        return self.ratio <= self.target.limit if self.target.at_most else self.ratio >= self.target.limit


def _keep_alive(workload: str, envoy_limit: float) -> tuple[Target, ...]:
    return (
        Target("CPU per request", workload, SATURATED_CELL, CPU, "envoy", envoy_limit),
        Target("CPU per request", workload, SATURATED_CELL, CPU, "haproxy", 1.0),
        Target("p50 at one connection", workload, "c1", "p50_us", "envoy", 0.6),
        Target("p99 at 80 % load", workload, PACE_CELL, "p99_us", "envoy", 1.0),
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
)


def judge(results: Results) -> list[Verdict]:
    """Every target against the rows of one run, in the order above."""
    return [Verdict(target, tuple(_ratios(results, target))) for target in TARGETS]


def _ratios(results: Results, target: Target) -> list[float]:
    ours = (target.workload, target.cell, OURS)
    theirs = (target.workload, target.base_cell or target.cell, target.base)
    return results.ratios(ours, theirs, target.metric)
