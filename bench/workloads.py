"""What is run. A workload is a list of cells; a cell is one load on one setup, and gives one row per peer and round."""

from dataclasses import dataclass, replace
from enum import Enum

from bench.chain import NO_CHAIN, Busy, Chain
from bench.peers.base import Tls
from bench.service import BODY, FILE_SIZES


class Kind(Enum):
    """How a cell loads its peer."""

    WRK = "wrk"
    STEADY = "steady"
    PACE = "pace"
    CHURN = "churn"
    BULK = "bulk"
    IDLE = "idle"
    BESIDE = "beside"
    COUNT = "count"


@dataclass(frozen=True)
class Cell:
    """One load on one setup.

    Beside it, the route of a busy filter is asked at `busy_rate` per second, or without a pause where that is 0, on so many connections.
    `base` names the cell of the same workload that the report compares it with. `crosses` says whether FlatProxy must cross into
    Python in it, or must not; None: nobody asks.
    """

    name: str
    kind: Kind
    connections: int
    tls: Tls = Tls.OFF
    path: str = "/"
    length: int = len(BODY)
    routes: int = 0
    resume: bool = False
    upload: bool = False
    chain: Chain = NO_CHAIN
    headers: tuple[str, ...] = ()
    base: str = ""
    crosses: bool | None = None
    rate: float = 0.0
    busy_rate: float = 0.0
    busy_connections: int = 0
    requests: int = 0


@dataclass(frozen=True)
class Workload:
    """Cells that are reported together. `peers`: who takes part; empty: all. `long`: run only when it is named."""

    id: str
    title: str
    cells: tuple[Cell, ...]
    peers: tuple[str, ...] = ()
    long: bool = False


# Of the slowest proxy's requests per second at 64 connections.
PACE_SHARE = 0.8
PACE_CELL = "paced"
SATURATED_CELL = "c64"
ROUTE_COUNTS = (10, 1_000, 10_000)
IDLE_CONNECTIONS = 10_000

PROXIES = ("flatproxy", "envoy", "haproxy", "nginx")
NO_FILTER = "none"
# What the filters of filter-python read.
TENANT = "x-tenant: bench"
# One request in a hundred leaves a span, as in production.
SAMPLED_CELL = "sampled-1"
# The load beside a busy filter leaves the proxy idle for most of the time: what it waits for then is not itself.
BESIDE_RATE = 4_000.0
# Requests per second to the filter that computes for 2 ms: a fifth of the time, so that a stall is in the p99.
BUSY_RATE = 100.0


def _keep_alive(kind: Kind, tls: Tls) -> tuple[Cell, ...]:
    closed = tuple(Cell(f"c{count}", kind, count, tls) for count in (1, 64, 256))
    return (*closed, Cell(PACE_CELL, Kind.PACE, 64, tls))


def _filters(name: str, count: int) -> Cell:
    base = NO_FILTER if count else ""
    return Cell(
        name, Kind.WRK, 64, chain=Chain(headers=count), headers=(TENANT,), base=base, crosses=count > 0
    )


def _builtins(name: str, sampled: int | None) -> Cell:
    on = sampled is not None
    load = Cell(name, Kind.WRK, 64, path="/v1/orders", headers=(TENANT,), crosses=on)
    return replace(load, chain=Chain(sampled=sampled), base=NO_FILTER if on else "")


def _beside(busy: Busy) -> tuple[Cell, ...]:
    """The same route, while nobody asks for the other, while somebody does now and then, and while two do without a pause."""
    quiet = f"{busy.value}-quiet"
    alone = Cell(quiet, Kind.BESIDE, 64, chain=Chain(busy=busy), rate=BESIDE_RATE, crosses=False)
    asked = replace(alone, base=quiet, crosses=True)
    return (
        alone,
        replace(asked, name=f"{busy.value}-busy", busy_rate=BUSY_RATE, busy_connections=8),
        replace(asked, name=f"{busy.value}-crowd", busy_connections=2),
    )


def _count(name: str, requests: int, base: str = "") -> Cell:
    return Cell(
        name,
        Kind.COUNT,
        64,
        chain=Chain(headers=1),
        headers=(TENANT,),
        base=base,
        crosses=True,
        requests=requests,
    )


def _bulk(name: str, *, upload: bool) -> Cell:
    return Cell(name, Kind.BULK, 4, path="/files/10m", length=FILE_SIZES["10m"], upload=upload)


WORKLOADS: dict[str, Workload] = {
    workload.id: workload
    for workload in (
        Workload("h1", "HTTP/1.1 keep-alive, plain", _keep_alive(Kind.WRK, Tls.OFF)),
        Workload("h1-tls", "HTTP/1.1 keep-alive, TLS 1.3", _keep_alive(Kind.WRK, Tls.SIMPLE)),
        Workload("h1-mtls", "HTTP/1.1 keep-alive, mTLS", _keep_alive(Kind.STEADY, Tls.MUTUAL)),
        Workload(
            "churn",
            "a new connection per request",
            (
                Cell("plain", Kind.CHURN, 16),
                Cell("tls", Kind.CHURN, 16, Tls.SIMPLE),
                Cell("mtls", Kind.CHURN, 16, Tls.MUTUAL),
                Cell("mtls-resumed", Kind.CHURN, 16, Tls.MUTUAL, resume=True),
            ),
        ),
        Workload(
            "routes",
            "10 to 10,000 routes",
            tuple(
                Cell(f"r{count}", Kind.STEADY, 64, path="/service-{}/item", routes=count)
                for count in ROUTE_COUNTS
            ),
        ),
        Workload("big", "10 MiB bodies", (_bulk("down", upload=False), _bulk("up", upload=True))),
        Workload(
            "idle",
            f"{IDLE_CONNECTIONS:,} idle connections",
            (
                Cell("plain", Kind.IDLE, IDLE_CONNECTIONS),
                Cell("mtls", Kind.IDLE, IDLE_CONNECTIONS, Tls.MUTUAL),
            ),
        ),
        Workload(
            "filter-python",
            "one header read, one added: FlatProxy in Python, Envoy in Lua, the others by a directive",
            (_filters(NO_FILTER, 0), _filters("one", 1), _filters("five", 5)),
            PROXIES,
        ),
        Workload(
            "builtins",
            "tracing, policy, rate limit and retries on one route, against Envoy's own",
            (_builtins(NO_FILTER, None), _builtins(SAMPLED_CELL, 1), _builtins("sampled-100", 100)),
            PROXIES[:2],
        ),
        Workload(
            "isolation",
            "a route without filters, while a filter in Python on another route computes for 2 ms at a time",
            (*_beside(Busy.INLINE), *_beside(Busy.BLOCKING)),
            (PROXIES[0],),
        ),
        Workload(
            "memory",
            "memory over 10 million requests through a filter in Python",
            (_count("1m", 1_000_000), _count("10m", 9_000_000, base="1m")),
            (PROXIES[0],),
            long=True,
        ),
    )
}
