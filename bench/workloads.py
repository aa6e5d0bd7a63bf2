"""What is run. A workload is a list of cells; a cell is one load on one setup, and gives one row per peer and round."""

from dataclasses import dataclass
from enum import Enum

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


@dataclass(frozen=True)
class Cell:
    """One load on one setup."""

    name: str
    kind: Kind
    connections: int
    tls: Tls = Tls.OFF
    path: str = "/"
    length: int = len(BODY)
    routes: int = 0
    resume: bool = False
    upload: bool = False


@dataclass(frozen=True)
class Workload:
    """Cells that are reported together."""

    id: str
    title: str
    cells: tuple[Cell, ...]


# Of the slowest proxy's requests per second at 64 connections.
PACE_SHARE = 0.8
PACE_CELL = "paced"
SATURATED_CELL = "c64"
ROUTE_COUNTS = (10, 1_000, 10_000)
IDLE_CONNECTIONS = 10_000


def _keep_alive(kind: Kind, tls: Tls) -> tuple[Cell, ...]:
    closed = tuple(Cell(f"c{count}", kind, count, tls) for count in (1, 64, 256))
    return (*closed, Cell(PACE_CELL, Kind.PACE, 64, tls))


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
    )
}
