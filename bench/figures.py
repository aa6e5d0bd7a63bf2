"""Which numbers of a run are shown, under which names, and which of them make the charts."""

from dataclasses import dataclass

from bench.chart import Bar, Panel
from bench.results import Results
from bench.targets import OURS
from bench.workloads import PACE_CELL, SAMPLED_CELL, SATURATED_CELL

KIB = 1024


@dataclass(frozen=True)
class Figure:
    """A metric as a reader meets it. `scale` divides the raw value."""

    metric: str
    name: str
    unit: str
    less_is_better: bool = True
    scale: float = 1.0

    @property
    def direction(self) -> str:
        """For a chart: which end is the good one."""
        return "less is better" if self.less_is_better else "more is better"


CPU = Figure("cpu_us", "CPU per request", "µs")
BUSY = Figure("busy_us", "machine busy per request", "µs")
RATE = Figure("rate", "requests/s", "1/s", less_is_better=False)
P50 = Figure("p50_us", "p50", "µs")
P99 = Figure("p99_us", "p99", "µs")
P999 = Figure("p999_us", "p99.9", "µs")
AT_WORK = Figure("load_share", "proxy at work", "%", scale=0.01)
BITS = Figure("gigabits_per_cpu_second", "Gbit/s per CPU-second", "Gbit/s", less_is_better=False)
MEMORY = Figure("memory_per_connection", "memory per connection", "KiB", scale=KIB)
OWN = Figure("own", "memory without files", "MiB", scale=KIB * KIB)
CROSSINGS = Figure("crossings_per_request", "crossings per request", "", scale=1.0)
SPANS = Figure("spans_per_request", "spans collected", "%", scale=0.01)
LOGGED = Figure("logged", "logged", "%", less_is_better=False, scale=0.01)

_REQUESTS = (CPU, BUSY, RATE, P50, P99, P999, AT_WORK, LOGGED)
TABLES: dict[str, tuple[Figure, ...]] = {
    "big": (BITS, RATE, P50, P99, AT_WORK, LOGGED),
    "idle": (MEMORY,),
    "filter-python": (CPU, BUSY, RATE, P50, P99, AT_WORK, CROSSINGS, LOGGED),
    "builtins": (CPU, BUSY, RATE, P50, P99, AT_WORK, CROSSINGS, SPANS, LOGGED),
    "isolation": (P99, P50, P999, CPU, RATE, AT_WORK, CROSSINGS, LOGGED),
    "memory": (OWN, CPU, RATE, P50, P99, AT_WORK, CROSSINGS),
}

# Without a process between load and service there is nothing that these could tell.
OF_PROXIES = frozenset({"cpu_us", "load_share", "gigabits_per_cpu_second", "memory_per_connection", "logged"})
OF_OURS = frozenset({"crossings_per_request"})

HEADLINES: tuple[tuple[str, str, str, Figure], ...] = (
    ("CPU per request, plain", "h1", SATURATED_CELL, CPU),
    ("CPU per request, TLS", "h1-tls", SATURATED_CELL, CPU),
    ("CPU per request, mTLS", "h1-mtls", SATURATED_CELL, CPU),
    ("p50 at one connection, mTLS", "h1-mtls", "c1", P50),
    ("p99 at 80 % load, mTLS", "h1-mtls", PACE_CELL, P99),
    ("mTLS handshakes", "churn", "mtls", RATE),
    ("10 MiB bodies, down", "big", "down", BITS),
    ("an idle mTLS connection", "idle", "mtls", MEMORY),
    ("CPU per request, a filter", "filter-python", "one", CPU),
    ("CPU per request, four built-ins", "builtins", SAMPLED_CELL, CPU),
    ("10,000 routes, CPU per request", "routes", "r10000", CPU),
)


def table_of(workload: str) -> tuple[Figure, ...]:
    """What a workload's table shows."""
    return TABLES.get(workload, _REQUESTS)


def headline_panels(results: Results) -> list[Panel]:
    """The summary picture: one panel per promise, as far as it was run."""
    panels = [panel(results, title, workload, cell, figure) for title, workload, cell, figure in HEADLINES]
    return [one for one in panels if one.bars]


def workload_panels(results: Results, workload: str) -> list[Panel]:
    """The first figure of a workload's table, cell by cell."""
    figure = table_of(workload)[0]
    panels = [
        panel(results, f"{figure.name}, {cell}", workload, cell, figure) for cell in results.cells(workload)
    ]
    return [one for one in panels if one.bars]


def panel(results: Results, title: str, workload: str, cell: str, figure: Figure) -> Panel:
    """One comparison of all peers."""
    bars = []
    for peer in results.peers(workload):
        if peer == "direct" and figure.metric in OF_PROXIES:
            continue
        values = sorted(
            float(getattr(row, figure.metric)) / figure.scale for row in results.of(workload, cell, peer)
        )
        median = results.median(workload, cell, peer, figure.metric)
        if median is not None:
            bars.append(Bar(peer, median / figure.scale, values[0], values[-1], peer == OURS))
    return Panel(title, f"{figure.unit}, {figure.direction}", bars)
