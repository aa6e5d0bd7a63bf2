"""FlatProxy itself, as `make build` left it."""

import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers.base import TEMPLATES, Peer, Setup

PROGRAM = Path(sys.executable).with_name("flatproxy")
FILTERS = TEMPLATES / "filters"


class FlatProxy(Peer):
    """Ours."""

    name = "flatproxy"

    def absent(self) -> str | None:
        if not PROGRAM.exists():
            return "flatproxy is not built: make build"
        done = subprocess.run([PROGRAM, "version"], capture_output=True, text=True, check=False, timeout=60)
        return None if done.returncode == 0 else f"flatproxy does not start: {done.stderr.strip()[-200:]}"

    def version(self) -> str:
        done = subprocess.run([PROGRAM, "version"], capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.strip().partition("\n")[0]

    def command(self, setup: Setup) -> list[str]:
        for file in FILTERS.glob("*.py"):
            shutil.copy(file, setup.folder)
        return [str(PROGRAM), "run", "-c", str(self.write("flatproxy.yaml.tmpl", setup))]
