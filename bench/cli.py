"""The command line: list, run, report."""

import shlex
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench import machine, plan_times, processes, service
from bench import report as reports
from bench import run as runs
from bench.certificates import make
from bench.chart import number
from bench.cores import lay_out
from bench.peers import PEERS, Peer
from bench.peers.base import find
from bench.places import RESULTS, scratch
from bench.results import Row, Writer
from bench.targets import TARGETS
from bench.workloads import WORKLOADS, Cell, Kind, Workload

app = typer.Typer(
    no_args_is_help=True, help="The benchmark contract: FlatProxy and its real peers in one run."
)
console = Console(highlight=False, markup=False, soft_wrap=True)

Several = Annotated[
    list[str] | None, typer.Option(help="Repeat for several; left out: all (but the long workloads).")
]


@app.command("list")
def list_everything() -> None:
    """Workloads, peers (and why one is absent), promises."""
    table = Table("workload", "what", "cells")
    for workload in WORKLOADS.values():
        table.add_row(workload.id, workload.title, " ".join(cell.name for cell in workload.cells))
    console.print(table)
    table = Table("peer", "version", "absent because")
    for peer in PEERS.values():
        reason = peer.absent()
        table.add_row(peer.name, "" if reason else peer.version(), reason or "")
    console.print(table)
    table = Table("promise", "where", "against", "limit")
    for target in TARGETS:
        table.add_row(target.text, f"{target.workload} {target.cell}", target.against, target.bound)
    console.print(table)


@app.command()
def run(
    workload: Several = None,
    peer: Several = None,
    rounds: Annotated[int, typer.Option(min=1, help="A figure that is quoted needs at least 5.")] = 5,
    duration: Annotated[float, typer.Option(min=0.5, help="Measured seconds of each cell.")] = 5.0,
    workers: Annotated[int, typer.Option(min=1, help="Workers of each proxy.")] = 1,
    quiet_peers: Annotated[
        bool, typer.Option(help="Peers without access log and request id; FlatProxy keeps both.")
    ] = False,
    output: Annotated[Path, typer.Option(help="Folder of the report.")] = RESULTS,
    name: Annotated[str, typer.Option(help="Of the report; left out: the date.")] = "",
) -> None:
    """Run workloads and write a report. Example: python -m bench run --workload h1 --rounds 5 --duration 5"""
    chosen = chosen_workloads(workload)
    about = reports.About(
        machine=machine.facts(), command=shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    )
    peers = _present(_known(peer, list(PEERS), "peer"), about)
    for program in ("wrk", "nginx", "taskset", "cargo"):
        if not find(program):
            _give_up(f"{program} is not installed: make system-packages, as root, brings wrk and nginx")
    idle = any(cell.kind is Kind.IDLE for one in chosen for cell in one.cells)
    if not processes.allow_many_files() and idle:
        _trouble(
            f"this machine does not allow the {processes.OPEN_FILES:,} open files that idle needs", about
        )
    try:
        service.build_load()
    except service.BuildError as error:
        _give_up(str(error))
    output.mkdir(parents=True, exist_ok=True)
    rows = _free_name(output, name or datetime.now(UTC).strftime("%Y-%m-%d"))
    writer = Writer(rows)
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        cores = lay_out(workers)
        certificates = make(folder / "certificates")
        behind = stack.enter_context(service.serving(folder, certificates, cores.load))
        plan = runs.Plan(peers, rounds, duration, workers, quiet_peers, cores, folder, certificates, behind)
        for one in chosen:
            about.paces[one.id] = runs.run(
                plan, one, lambda row: _keep(row, writer), lambda text: _trouble(text, about), _aside(about)
            )
            about.write(rows.with_suffix(".json"))
    console.print(f"report: {reports.publish(rows)}")


@app.command()
def report(rows: Annotated[Path, typer.Argument(help="The CSV file of a run.")]) -> None:
    """Write the report and charts of a run anew from its rows. Example: python -m bench report bench/results/2026-11-23.csv"""
    if not rows.exists():
        _give_up(f"{rows} does not exist; `run` writes such a file")
    console.print(f"report: {reports.publish(rows)}")


def chosen_workloads(names: list[str] | None) -> list[Workload]:
    """Those that are named; without a name all but the long ones."""
    known = [WORKLOADS[name] for name in _known(names, list(WORKLOADS), "workload")]
    return [one for one in known if names or not one.long]


def _known(names: list[str] | None, all_names: list[str], what: str) -> list[str]:
    unknown = set(names or []) - set(all_names)
    if unknown:
        _give_up(f"no such {what}: {', '.join(sorted(unknown))}; there are {', '.join(all_names)}", code=2)
    return [name for name in all_names if not names or name in names]


def _present(names: list[str], about: reports.About) -> tuple[Peer, ...]:
    """Those that can be measured here; the others are reported as absent."""
    present = []
    for name in names:
        reason = PEERS[name].absent()
        if reason:
            about.absent[name] = reason
            console.print(f"{name} is absent: {reason}", style="yellow")
        else:
            about.versions[name] = PEERS[name].version()
            present.append(PEERS[name])
    return tuple(present)


def _free_name(folder: Path, name: str) -> Path:
    """NAME.csv, or NAME-2.csv and so on: a run never overwrites another."""
    candidates = [name, *(f"{name}-{number}" for number in range(2, 1000))]
    return next(folder / f"{one}.csv" for one in candidates if not (folder / f"{one}.csv").exists())


def _keep(row: Row, writer: Writer) -> None:
    writer.add(row)
    word = "" if row.valid else f"  not valid: {row.errors} errors {row.note}"
    cost = f"{number(row.cpu_us)} us CPU" if row.completed and row.cpu_seconds else ""
    speed = (
        f"{row.rate:10,.0f}/s  p50 {number(row.p50_us):>6}  p99 {number(row.p99_us):>6} us"
        if row.completed
        else ""
    )
    console.print(f"{row.workload:8} {row.cell:13} round {row.round} {row.peer:10} {speed}  {cost}{word}")


def _trouble(text: str, about: reports.About) -> None:
    about.troubles.append(text)
    console.print(text, style="yellow")


def _aside(about: reports.About) -> runs.Aside:
    """While FlatProxy serves a table of routes: how long a check of it and a swap to it take. Once per table."""

    def look(peer: Peer, cell: Cell, folder: Path) -> None:
        if peer.name == "flatproxy" and cell.routes and str(cell.routes) not in about.plan_times:
            about.plan_times[str(cell.routes)] = plan_times.take(folder / "flatproxy.yaml")

    return look


def _give_up(reason: str, code: int = 1) -> None:
    typer.echo(reason, err=True)
    raise typer.Exit(code)
