"""A pytest in which FlatProxy's plugin is found as in an environment where FlatProxy is installed."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]


def announce(folder: Path) -> None:
    """Write what an installation leaves of the entry points for pytest; where one is there already, pytest takes the first."""
    announced = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    info = folder / "announced-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: announced\nVersion: 1.0\n")
    lines = [f"{name} = {module}" for name, module in announced.items()]
    (info / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines, ""]))


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in `folder` as somebody else would, with FlatProxy beside it."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        *arguments,
    ]
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
