"""Runs one cell against one started peer and makes its row."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from bench import loads, measure
from bench.loads import Aim, Outcome
from bench.results import PACE_KEPT, Row
from bench.workloads import Cell, Kind

BUSY_PATH = "/busy"
BUSY_EXTRA_SECONDS = 1.0  # that the load of the busy route outlives the other

WARM_UP_SECONDS = 0.5
WARM_UP_CONNECTIONS = 16
LEAD_SECONDS = 0.3  # of a load of our own, before its measured time
TABLE_LEAD_SECONDS = 1.5  # the same where a whole table of routes is to be asked for at least once


@dataclass(frozen=True)
class Round:
    """What a row tells of the run that it is part of."""

    workload: str
    peer: str
    number: int
    workers: int
    log: bool
    seconds: float


def warm_up(aim: Aim, cell: Cell) -> None:
    """A little of the same, so that connections, caches and code are there before anything is measured."""
    if cell.kind is Kind.BULK:
        return
    gentle = replace(cell, connections=WARM_UP_CONNECTIONS)
    if cell.headers:  # which our own load does not send
        _wrk(aim, gentle, WARM_UP_SECONDS)
        return
    load = _steady(gentle, WARM_UP_SECONDS)
    loads.own(aim, {"kind": "steady", **load}, lambda: None)


def run(aim: Aim, cell: Cell, about: Round, pids: Callable[[], list[int]], rate: float) -> Row:
    """One row. `rate` is what a paced load offers, in requests per second; `pids` tells the peer's processes."""
    if cell.kind is Kind.IDLE:
        return _idle(aim, cell, about, pids)
    processes = pids()
    started = [measure.read(processes)]

    def begin() -> None:
        started.append(measure.read(processes))

    outcome = _load(aim, cell, about.seconds, rate, begin)
    spent = measure.cost(
        started[-1], measure.read(processes)
    )  # wrk does not say when it begins: all of it is counted
    return _row(cell, about, outcome, spent, resident=measure.resident(processes), own=measure.own(processes))


def _load(aim: Aim, cell: Cell, seconds: float, rate: float, begin: Callable[[], None]) -> Outcome:
    match cell.kind:
        case Kind.WRK:
            return _wrk(aim, cell, seconds)
        case Kind.COUNT:
            return until(cell.requests, lambda: _wrk(aim, cell, seconds), lambda: _forget_log(aim))
        case Kind.BESIDE:
            return _beside(aim, cell, seconds, begin)
        case Kind.PACE:
            load = _pace(cell, seconds, rate)
        case Kind.BULK:
            load = {"kind": "bulk", "size": cell.length, "upload": cell.upload, **_steady(cell, seconds)}
            del load["path_count"], load["length"]
        case _:
            load = {"kind": cell.kind.value, **_steady(cell, seconds)}
    return loads.own(aim, load, begin, resume=cell.resume)


def _wrk(aim: Aim, cell: Cell, seconds: float) -> Outcome:
    return loads.wrk(
        aim,
        connections=cell.connections,
        seconds=seconds,
        length=cell.length,
        path=cell.path,
        headers=cell.headers,
    )


def until(requests: int, ask: Callable[[], Outcome], between: Callable[[], None]) -> Outcome:
    """Ask again, a slice of time after the other, until so many requests are done; a failure ends it."""
    total = ask()
    while total.completed < requests and not total.errors:
        between()
        total += ask()
    return total


def _forget_log(aim: Aim) -> None:
    """Empty it: that of so many requests would fill the memory that it lies in. Who writes appends, and writes on."""
    log = aim.folder / "access.log"
    if log.exists():
        os.truncate(log, 0)


def _beside(aim: Aim, cell: Cell, seconds: float, begin: Callable[[], None]) -> Outcome:
    """A pace on one route, while a load on connections of its own keeps the filter of another route busy."""
    load = _pace(cell, seconds, cell.rate)
    if not cell.busy_connections:
        return loads.own(aim, load, begin)
    with loads.beside(aim, _busy(cell, seconds + BUSY_EXTRA_SECONDS)) as result:
        outcome = loads.own(aim, load, begin)
        busy = result()
    if busy.errors or busy.completed < PACE_KEPT * busy.offered:
        fault = busy.first_error or f"the busy filter was asked {busy.completed} of {busy.offered} times"
        return replace(outcome, errors=outcome.errors + max(1, busy.errors), first_error=fault)
    return outcome


def _busy(cell: Cell, seconds: float) -> dict[str, object]:
    other = replace(cell, path=BUSY_PATH, connections=cell.busy_connections)
    return (
        _pace(other, seconds, cell.busy_rate)
        if cell.busy_rate
        else {"kind": "steady", **_steady(other, seconds)}
    )


def _pace(cell: Cell, seconds: float, rate: float) -> dict[str, object]:
    load = {"kind": "pace", "rate": rate, **_steady(cell, seconds)}
    del load["path_count"]
    return load


def _steady(cell: Cell, seconds: float) -> dict[str, object]:
    return {
        "connections": cell.connections,
        "seconds": seconds,
        "warmup": TABLE_LEAD_SECONDS if cell.routes else LEAD_SECONDS,
        "path": cell.path,
        "path_count": max(1, cell.routes),
        "length": cell.length,
    }


def _idle(aim: Aim, cell: Cell, about: Round, pids: Callable[[], list[int]]) -> Row:
    load = {"kind": "idle", "connections": cell.connections, "path": cell.path, "length": cell.length}
    processes = pids()
    before, started = measure.resident(processes), measure.read(processes)
    with loads.holding(aim, load) as release:
        held = measure.resident(processes)
        spent = measure.cost(started, measure.read(processes))
        outcome = replace(release(), seconds=spent.wall)
    row = _row(cell, about, outcome, spent, resident=before)
    return replace(row, held=outcome.completed, held_resident=held)


def _row(
    cell: Cell, about: Round, outcome: Outcome, spent: measure.Cost, *, resident: int, own: int = 0
) -> Row:
    return Row(
        workload=about.workload,
        cell=cell.name,
        peer=about.peer,
        round=about.number,
        workers=about.workers,
        log=about.log,
        seconds=outcome.seconds,
        completed=outcome.completed,
        offered=outcome.offered,
        errors=outcome.errors,
        bytes=outcome.bytes,
        resumed=outcome.resumed,
        p50_us=outcome.p50_us,
        p99_us=outcome.p99_us,
        p999_us=outcome.p999_us,
        cpu_seconds=spent.cpu,
        busy_seconds=spent.busy,
        stolen_seconds=spent.stolen,
        resident=resident,
        held=0,
        held_resident=0,
        logged=0.0,
        note=outcome.first_error,
        own=own,
    )
