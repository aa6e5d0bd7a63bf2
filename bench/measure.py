"""Reads what a proxy cost, from /proc.

CPU time is utime + stime of every process of the peer (all threads are in a process' figures). The machine's busy time is read as
well: work that the kernel does on behalf of a connection without charging a process shows up only there.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")

# At rest: less than a tenth of a core over a third of a second. A proxy that never rests is measured all the same.
REST_WINDOW = 0.3
REST_SHARE = 0.1
REST_PATIENCE = 30.0


@dataclass(frozen=True)
class Reading:
    """What the clocks said at one moment, in seconds."""

    wall: float
    cpu: float
    busy: float
    stolen: float


@dataclass(frozen=True)
class Cost:
    """What passed between two readings, in seconds."""

    wall: float
    cpu: float
    busy: float
    stolen: float


def read(pids: list[int]) -> Reading:
    """The clocks of these processes and of the machine, now."""
    busy, stolen = _machine()
    return Reading(time.monotonic(), sum(_cpu(pid) for pid in pids), busy, stolen)


def cost(before: Reading, after: Reading) -> Cost:
    """What passed between two readings."""
    return Cost(
        after.wall - before.wall,
        after.cpu - before.cpu,
        after.busy - before.busy,
        after.stolen - before.stolen,
    )


def settle(pids: Callable[[], list[int]]) -> None:
    """Wait until processes are at rest: a proxy may answer while it still imports, compiles or tidies up."""
    deadline = time.monotonic() + REST_PATIENCE
    last = read(pids())
    while time.monotonic() < deadline:
        time.sleep(REST_WINDOW)
        now = read(pids())
        if cost(last, now).cpu <= REST_SHARE * REST_WINDOW and not _wants_to_run(pids()):
            return
        last = now


def family(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += children.get(pid, [])
    return found


def resident(pids: list[int]) -> int:
    """Bytes in memory; a page that several of the processes share is counted once."""
    return sum(_memory(pid, "Pss:") for pid in pids)


def own(pids: list[int]) -> int:
    """The same without the pages of files, whose share changes with whoever else on the machine has them mapped."""
    return sum(_memory(pid, "Pss_Anon:") for pid in pids)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name: state, parent, ... (proc(5) numbers them from 3)."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _wants_to_run(pids: list[int]) -> bool:
    """Whether any thread runs or waits for a core: on a busy machine, little CPU time does not mean little to do."""
    threads = [stat for pid in pids for stat in (PROC / str(pid) / "task").glob("*/stat")]
    return any(_state(stat) == "R" for stat in threads)


def _state(stat: Path) -> str:
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _cpu(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICK if fields else 0.0


def _machine() -> tuple[float, float]:
    line = (PROC / "stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(value) / TICK for value in line[:8])
    return user + nice + system + irq + softirq, steal


def _memory(pid: int, kind: str) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(kind))
