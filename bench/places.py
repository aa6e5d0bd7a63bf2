"""Where things of the benchmark lie."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

BENCH = Path(__file__).parent
PROJECT = BENCH.parent
WORK = BENCH / ".work"
RESULTS = BENCH / "results"
LOAD_CRATE = BENCH / "load"
LOAD_PROGRAM = LOAD_CRATE / "target" / "release" / "bench-load"
WRK_SCRIPT = BENCH / "check.lua"
ENVOY_PROGRAM = WORK / "envoy" / "bin" / "envoy"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for the logs and configurations of a run, in memory where there is such a place: no disk is to be measured."""
    memory = Path("/dev/shm")
    WORK.mkdir(exist_ok=True)
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else WORK
    with tempfile.TemporaryDirectory(prefix="flatproxy-bench-", dir=parent) as folder:
        yield Path(folder)
