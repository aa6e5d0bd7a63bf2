"""The raw rows: one per cell, peer and round, every one of them kept."""

import csv
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

PACE_KEPT = 0.98


@dataclass(frozen=True)
class Row:
    """What one peer did in one round of one cell. Latencies in microseconds, memory in bytes.

    `own` is what of `resident` is no file's.
    `logged` is the share of responses that have a line in the access log, over all cells that shared the peer's process.
    """

    workload: str
    cell: str
    peer: str
    round: int
    workers: int
    log: bool
    seconds: float
    completed: int
    offered: int
    errors: int
    bytes: int
    resumed: int
    p50_us: float
    p99_us: float
    p999_us: float
    cpu_seconds: float
    busy_seconds: float
    stolen_seconds: float
    resident: int
    held: int
    held_resident: int
    logged: float
    note: str = ""
    crossings: int = 0
    spans: int = 0
    own: int = 0

    @property
    def valid(self) -> bool:
        """No error, something done, and the pace kept where there was one."""
        kept = self.offered == 0 or self.completed / self.offered >= PACE_KEPT
        return self.errors == 0 and self.completed > 0 and kept

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.completed / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU time of the proxy per request, in microseconds."""
        return self.cpu_seconds / self.completed * 1e6

    @property
    def busy_us(self) -> float:
        """CPU time of the whole machine per request, in microseconds."""
        return self.busy_seconds / self.completed * 1e6

    @property
    def gigabits_per_cpu_second(self) -> float:
        """Body bits moved for a second of the proxy's CPU time, in thousand millions."""
        return self.bytes * 8 / 1e9 / self.cpu_seconds if self.cpu_seconds else 0.0

    @property
    def load_share(self) -> float:
        """How much of the measured time the proxy was at work, of all its workers: below 1, something else was the limit."""
        return self.cpu_seconds / self.seconds / self.workers

    @property
    def crossings_per_request(self) -> float:
        """How often FlatProxy's data threads went into Python for each request."""
        return self.crossings / self.completed

    @property
    def spans_per_request(self) -> float:
        """Spans that the collector got for each request."""
        return self.spans / self.completed

    @property
    def memory_per_connection(self) -> float:
        """Bytes of memory that each held connection added."""
        return (self.held_resident - self.resident) / self.held if self.held else 0.0


class Results:
    """The rows of one run."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)

    @classmethod
    def read(cls, path: Path) -> "Results":
        """From the CSV file of a run."""
        with path.open(newline="") as file:
            return cls(_row(record) for record in csv.DictReader(file))

    def of(self, workload: str, cell: str, peer: str) -> list[Row]:
        """The valid rows of a peer in a cell, by round."""
        chosen = [row for row in self.rows if (row.workload, row.cell, row.peer) == (workload, cell, peer)]
        return sorted((row for row in chosen if row.valid), key=lambda row: row.round)

    def invalid(self) -> list[Row]:
        """The rows that count for nothing, and are reported as such."""
        return [row for row in self.rows if not row.valid]

    def median(self, workload: str, cell: str, peer: str, metric: str) -> float | None:
        """The median of a metric over the rounds; None where there is no valid row."""
        values = [float(getattr(row, metric)) for row in self.of(workload, cell, peer)]
        return statistics.median(values) if values else None

    def ratios(self, over: tuple[str, str, str], under: tuple[str, str, str], metric: str) -> list[float]:
        """The metric of one (workload, cell, peer) over that of another, round by round."""
        below = {row.round: float(getattr(row, metric)) for row in self.of(*under)}
        return [
            float(getattr(row, metric)) / below[row.round] for row in self.of(*over) if below.get(row.round)
        ]

    def differences(
        self, over: tuple[str, str, str], under: tuple[str, str, str], metric: str
    ) -> list[float]:
        """The metric of one (workload, cell, peer) less that of another, round by round."""
        below = {row.round: float(getattr(row, metric)) for row in self.of(*under)}
        return [
            float(getattr(row, metric)) - below[row.round] for row in self.of(*over) if row.round in below
        ]

    def peers(self, workload: str) -> list[str]:
        """Who took part in a workload, in the order of the round."""
        return list(dict.fromkeys(row.peer for row in self.rows if row.workload == workload))

    def workloads(self) -> list[str]:
        """What was run."""
        return list(dict.fromkeys(row.workload for row in self.rows))

    def cells(self, workload: str) -> list[str]:
        """The cells of a workload that were run."""
        return list(dict.fromkeys(row.cell for row in self.rows if row.workload == workload))


class Writer:
    """Appends rows to a CSV file as they come, so that a run that is cut short keeps what it had."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("w", newline="") as file:
            csv.writer(file).writerow(_names())

    def add(self, row: Row) -> None:
        """One more."""
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow(_cells(row))


def _names() -> list[str]:
    return [field.name for field in fields(Row)]


def _cells(row: Row) -> Iterator[object]:
    for value in asdict(row).values():
        yield round(value, 6) if isinstance(value, float) else value


def _row(record: dict[str, str]) -> Row:
    """A column that the file does not have yet was added later, and has a value for that."""
    known = [field for field in fields(Row) if field.name in record]
    return Row(**{field.name: _value(field.type, record[field.name]) for field in known})


def _value(kind: object, text: str) -> Any:
    if kind is bool:
        return text == "True"
    return kind(text) if kind in {int, float} and callable(kind) else text
