"""Running the command line as a person does: a process of its own, its output and exit code."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def flatproxy(tmp_path: Path) -> Callable[..., Ran]:
    """Run `flatproxy` in `tmp_path`, without a terminal."""

    def run(*arguments: str | Path, **environment: str) -> Ran:
        program = [sys.executable, "-c", "from flatproxy.cli import main; main()", *map(str, arguments)]
        done = subprocess.run(
            program,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
