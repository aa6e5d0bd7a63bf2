"""What a figure is worth depends on where it was made: machine, kernel, versions, commit."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bench.peers.base import find, first_line
from bench.places import PROJECT


def facts() -> dict[str, str]:
    """As they stand at the head of a report."""
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "kernel": platform.release(),
        "system": _system(),
        "wrk": first_line(str(find("wrk")), "-v").split(" Copyright")[0] if find("wrk") else "absent",
        "service": first_line(str(find("nginx")), "-v").rpartition(": ")[2] if find("nginx") else "absent",
    }


def commit() -> str:
    """The commit that is measured, and whether the work tree differs from it."""
    head = _git("rev-parse", "--short=12", "HEAD")
    if not head:
        return "not a checkout"
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!bench/results")
    return f"{head} with uncommitted changes" if changed else head


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    total = next(
        line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
    )
    return f"{int(total.split()[1]) / (1 << 20):.0f} GiB"


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
