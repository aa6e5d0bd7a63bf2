"""How long FlatProxy takes to check a file of many routes and to swap to it, as its operator sees it."""

import statistics
import subprocess
import time
from pathlib import Path

from bench.peers.flatproxy import PROGRAM

TIMES = 3


def take(config: Path) -> dict[str, float]:
    """Milliseconds of the commands, the bare start of the command line (`version`) among them so that it can be subtracted."""
    return {
        "version_ms": _milliseconds("version"),
        "check_ms": _milliseconds("check", "-c", str(config)),
        "reload_ms": _milliseconds("reload", "-c", str(config)),
    }


def _milliseconds(*arguments: str) -> float:
    taken = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        subprocess.run([PROGRAM, *arguments], capture_output=True, check=True, timeout=120)
        taken.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(taken), 1)
