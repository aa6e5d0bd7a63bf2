"""Runs workloads against peers: A B C A B C ..., so that what disturbs the machine disturbs them alike."""

import shutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

from bench import cell as cells
from bench import measure, witness
from bench.certificates import Certificates
from bench.cores import Cores
from bench.crossings import NotCountedError
from bench.loads import Aim, LoadError
from bench.peers import Peer, Setup, Tls
from bench.processes import StartError, free_addresses, running
from bench.results import Results, Row
from bench.service import Service
from bench.targets import OURS
from bench.workloads import PACE_SHARE, SATURATED_CELL, Cell, Kind, Workload


@dataclass(frozen=True)
class Plan:
    """What is to be run and where."""

    peers: tuple[Peer, ...]
    rounds: int
    seconds: float
    workers: int
    quiet_peers: bool
    cores: Cores
    folder: Path
    certificates: Certificates
    service: Service


Report = Callable[[Row], None]
Tell = Callable[[str], None]
# Called while a peer serves a cell's setup: (peer, cell, path of its configuration's folder).
Aside = Callable[[Peer, Cell, Path], None]


def run(plan: Plan, workload: Workload, report: Report, tell: Tell, aside: Aside) -> float:
    """Every cell of a workload, every peer, every round; each row is reported as soon as it is there.

    Troubles go to `tell`. Returns the rate of the paced cells in requests per second, 0 where there are none.
    """
    rows: list[Row] = []
    peers = [peer for peer in plan.peers if not workload.peers or peer.name in workload.peers]

    def keep(row: Row) -> None:
        rows.append(row)
        report(row)

    closed = [one for one in workload.cells if one.kind is not Kind.PACE]
    paced = [one for one in workload.cells if one.kind is Kind.PACE]
    for number in range(1, plan.rounds + 1):
        for peer in peers:
            for group in _alike(closed):
                _Visit(plan, workload.id, peer, number, tell).run(group, 0.0, keep, aside)
    rate = pace(Results(rows), workload.id, [peer.name for peer in peers if peer.proxies])
    if not paced or rate <= 0:
        return 0.0
    for number in range(1, plan.rounds + 1):
        for peer in peers:
            _Visit(plan, workload.id, peer, number, tell).run(paced, rate, keep, aside)
    return rate


def pace(results: Results, workload: str, peers: Iterable[str]) -> float:
    """What every peer can sustain: a share of what the slowest proxy did at saturation. 0 when none did."""
    rates = [results.median(workload, SATURATED_CELL, peer, "rate") for peer in peers]
    return PACE_SHARE * min((rate for rate in rates if rate), default=0.0)


def _alike(chosen: list[Cell]) -> list[list[Cell]]:
    """Neighbouring cells that one started peer can serve. Memory is measured on a fresh one."""
    groups = groupby(
        chosen,
        key=lambda one: (
            *(one.tls, one.routes, one.upload, one.chain),
            one.name if one.kind is Kind.IDLE else "",
        ),
    )
    return [list(group) for _, group in groups]


@dataclass(frozen=True)
class _Visit:
    """One start of one peer in one round."""

    plan: Plan
    workload: str
    peer: Peer
    number: int
    tell: Tell

    def run(self, group: list[Cell], rate: float, report: Report, aside: Aside) -> None:
        """Start it, run the cells, stop it. A peer that fails is told about and has no row; the others go on."""
        rows: list[Row] = []
        folder = self.plan.folder / self.peer.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            with ExitStack() as stack:
                setup, pid = self._start(stack, group[0], folder)
                aim = Aim(setup.listen, group[0].tls, self.plan.certificates, self.plan.cores.load, folder)

                def pids() -> list[int]:
                    return measure.family(pid) if pid else []

                cells.warm_up(aim, group[0])
                measure.settle(pids)
                for one in group:
                    measured = partial(cells.run, aim, one, self._about(), pids, rate)
                    rows.append(witness.row(measured, one, setup, ours=self.peer.name == OURS))
                aside(self.peer, group[0], folder)
        except (StartError, LoadError, NotCountedError) as error:
            self.tell(f"{self.workload} {self.peer.name}: {error}")
        share = logged_share(folder / "access.log", rows) if self.peer.proxies and self._log else 0.0
        shutil.rmtree(folder, ignore_errors=True)
        for row in rows:
            report(replace(row, logged=share))

    @property
    def _log(self) -> bool:
        return self.peer.name == OURS or not self.plan.quiet_peers

    def _about(self) -> cells.Round:
        plan = self.plan
        return cells.Round(self.workload, self.peer.name, self.number, plan.workers, self._log, plan.seconds)

    def _start(self, stack: ExitStack, one: Cell, folder: Path) -> tuple[Setup, int]:
        plan = self.plan
        service = plan.service.sink if one.upload else plan.service.address(Tls.OFF)
        listen, admin = free_addresses(2)
        setup = Setup(
            listen=listen,
            admin=admin,
            service=service,
            tls=one.tls,
            routes=one.routes,
            workers=plan.workers,
            log=self._log,
            certificates=plan.certificates,
            folder=folder,
            chain=one.chain,
            collector=plan.service.collector,
        )
        if not self.peer.proxies:
            return replace(setup, listen=service if one.upload else plan.service.address(one.tls)), 0
        command = self.peer.command(setup)
        log = folder / "output.log"
        pid = stack.enter_context(running(command, cores=plan.cores.proxy, listens=[setup.listen], log=log))
        return setup, pid


def logged_share(log: Path, rows: list[Row]) -> float:
    """Lines in the access log for each response that was counted. Warm-up adds lines, so a complete log gives 1 or more."""
    completed = sum(row.completed for row in rows)
    if not completed or not log.exists():
        return 0.0
    with log.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return lines / completed
