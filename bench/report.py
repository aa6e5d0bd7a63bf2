"""Writes a run's report: what it says of each promise first, then every table, then where it was made and what did not count."""

import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench import chart, figures
from bench.chart import number
from bench.results import Results
from bench.targets import OURS, Verdict, judge
from bench.workloads import PACE_CELL, PACE_SHARE, WORKLOADS

METHOD = """\
The figure of merit is a ratio within one run: the machines are shared and noisy. One worker of the proxy is pinned to the first
core, load and service to the others; peers take turns (A B C A B C ...), so that what disturbs the machine disturbs them alike.
A row counts when every response had the right status and length, no request failed and, where the load sets the pace, at least
98 % of it was kept. Medians over the rounds, with the smallest and largest in brackets. `direct` is the load on the service
without a proxy. "Proxy at work" below 100 % at 64 connections means that load or service, not the proxy, set the requests/s.\
"""


@dataclass
class About:
    """What a report tells besides its rows."""

    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    paces: dict[str, float] = field(default_factory=dict)
    plan_times: dict[str, dict[str, float]] = field(default_factory=dict)
    command: str = ""

    @classmethod
    def read(cls, path: Path) -> "About":
        """From the JSON file beside the rows."""
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """For a later `report`."""
        path.write_text(json.dumps(vars(self), indent=2) + "\n")


def publish(rows: Path) -> Path:
    """From NAME.csv and NAME.json: NAME.md, its charts and, for the README, summary.svg. Returns the report."""
    results, about = Results.read(rows), About.read(rows.with_suffix(".json"))
    folder, name = rows.parent, rows.stem
    note = f"{about.machine.get('when', '')}, commit {about.machine.get('commit', '')}; medians, lines: smallest to largest round"
    summary = figures.headline_panels(results)
    if summary:
        picture = chart.draw("FlatProxy and its peers, one core each", note, summary, columns=3)
        (folder / f"{name}-summary.svg").write_text(picture)
        (folder / "summary.svg").write_text(picture)
    for workload in results.workloads():
        panels = figures.workload_panels(results, workload)
        if panels:
            title = f"{workload}: {WORKLOADS[workload].title}"
            (folder / f"{name}-{workload}.svg").write_text(chart.draw(title, note, panels, columns=2))
    report = folder / f"{name}.md"
    report.write_text("\n".join(_lines(results, about, name)) + "\n")
    return report


def _lines(results: Results, about: About, name: str) -> Iterator[str]:
    yield f"# Benchmark {name}"
    yield ""
    yield f"`{about.command}`, commit {about.machine.get('commit')}, {about.machine.get('when')}"
    yield ""
    yield f"![summary]({name}-summary.svg)"
    yield ""
    yield "## Promises"
    yield ""
    yield from _verdicts(judge(results))
    yield ""
    yield METHOD
    for workload in results.workloads():
        yield from _workload(results, workload, name, about.paces.get(workload))
    if about.plan_times:
        yield from _plan_times(about.plan_times)
    yield from _made(about)
    yield from _not_counted(results, about)


def _verdicts(verdicts: list[Verdict]) -> Iterator[str]:
    yield "| what | where | against | promised | measured | |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for verdict in verdicts:
        target = verdict.target
        word = {True: "met", False: "**missed**", None: "not measured"}[verdict.met]
        yield (
            f"| {target.text} | {target.workload} {target.cell} | {target.against} | {target.bound} "
            f"| {_spread(verdict.values)} | {word} |"
        )


def _spread(ratios: tuple[float, ...] | list[float]) -> str:
    if not ratios:
        return ""
    ordered = sorted(ratios)
    middle = ordered[len(ordered) // 2] if len(ordered) % 2 else sum(ordered[len(ordered) // 2 - 1 :][:2]) / 2
    return f"{middle:.2f} ({ordered[0]:.2f} to {ordered[-1]:.2f})"


def _workload(results: Results, workload: str, name: str, pace: float | None) -> Iterator[str]:
    shown = figures.table_of(workload)
    first = shown[0]
    yield from (
        "",
        f"## {workload}: {WORKLOADS[workload].title}",
        "",
        f"![{workload}]({name}-{workload}.svg)",
        "",
    )
    if pace:
        yield from (
            f"{PACE_CELL}: {pace:,.0f} requests/s, {PACE_SHARE:.0%} of the slowest proxy at 64 connections.",
            "",
        )
    titles = [f"{one.name} ({one.unit})" if one.unit not in one.name else one.name for one in shown]
    bases = {cell.name: cell.base for cell in WORKLOADS[workload].cells if cell.base}
    if bases:
        titles.append(f"{first.name}: more than its base")
    yield f"| cell | peer | {' | '.join(titles)} | {OURS} over it: {first.name} | rounds |"
    yield "| --- | --- |" + " ---: |" * (len(titles) + 2)
    for cell in results.cells(workload):
        for peer in results.peers(workload):
            count = len(results.of(workload, cell, peer))
            values = " | ".join(_value(results, workload, cell, peer, one) for one in shown)
            ratios = results.ratios((workload, cell, OURS), (workload, cell, peer), first.metric)
            told = _spread(ratios) if peer not in {OURS, "direct"} else ""
            if bases:
                values += f" | {_more(results, (workload, cell, peer), bases.get(cell, ''), first)}"
            yield f"| {cell} | {peer} | {values} | {told} | {count} |"


def _more(results: Results, over: tuple[str, str, str], base: str, figure: figures.Figure) -> str:
    """How much a cell has over its base, and how many times as much, by the medians of both."""
    under = (over[0], base, over[2])
    more, times = results.differences(over, under, figure.metric), results.ratios(over, under, figure.metric)
    if not (more and times):
        return ""
    middle = statistics.median(more) / figure.scale
    sign = "-" if middle < 0 else "+"
    return f"{sign}{number(abs(middle))} {figure.unit} than {base}, ×{statistics.median(times):.2f}"


def _value(results: Results, workload: str, cell: str, peer: str, figure: figures.Figure) -> str:
    median = results.median(workload, cell, peer, figure.metric)
    if (
        median is None
        or (peer == "direct" and figure.metric in figures.OF_PROXIES)
        or (peer != OURS and figure.metric in figures.OF_OURS)
    ):
        return ""
    return number(median / figure.scale)


def _plan_times(times: dict[str, dict[str, float]]) -> Iterator[str]:
    yield from (
        "",
        "## Plans",
        "",
        "Milliseconds of the whole command, with the start of the command line alone in the first column.",
        "",
    )
    yield "| routes | `version` | `check` | `reload` |"
    yield "| ---: | ---: | ---: | ---: |"
    for routes, taken in times.items():
        yield f"| {int(routes):,} | {taken['version_ms']} | {taken['check_ms']} | {taken['reload_ms']} |"


def _made(about: About) -> Iterator[str]:
    yield from ("", "## Where it was made", "", "| | |", "| --- | --- |")
    for key, value in (about.machine | about.versions).items():
        yield f"| {key} | {value} |"


def _not_counted(results: Results, about: About) -> Iterator[str]:
    invalid = results.invalid()
    yield from ("", "## What is missing", "")
    if not (invalid or about.absent or about.troubles):
        yield "Nothing: every peer was there and every row counts."
    for peer, reason in about.absent.items():
        yield f"* {peer} is absent: {reason}"
    for trouble in about.troubles:
        yield f"* {trouble}"
    for row in invalid:
        kept = f", {row.completed / row.offered:.1%} of the pace" if row.offered else ""
        yield f"* {row.workload} {row.cell} {row.peer}, round {row.round}: {row.errors} errors{kept} {row.note}".rstrip()
