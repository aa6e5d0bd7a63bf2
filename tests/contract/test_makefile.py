"""What is missing on a machine is named in one plain sentence; `make help` knows every command."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ("demo", "test", "lint", "bench", "wheel", "build", "fuzz", "clean", "help")

pytestmark = pytest.mark.needs("make", "bash")


USUAL = ("awk", "bash", "cat", "cmp", "env", "find", "grep", "rm", "sed", "sort", "tail", "touch", "tr")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What make looks at before it builds anything, and a folder of the only programs that it is to find."""
    for name in ("Makefile", "Cargo.toml", "Cargo.lock", "pyproject.toml", "requirements", "crates"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "flatproxy" / "core").mkdir(parents=True)
    (tmp_path / "tools").mkdir()
    for name in USUAL:
        (tmp_path / "tools" / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def with_environment(checkout: Path) -> None:
    """As if the virtual environment were complete."""
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".requirements").touch()


def with_cargo(checkout: Path, version: str) -> None:
    cargo = checkout / "tools" / "cargo"
    cargo.write_text(f"#!/usr/bin/env bash\necho 'cargo {version}'\n")
    cargo.chmod(0o755)


def what_build_says(checkout: Path) -> str:
    environment = {"PATH": str(checkout / "tools"), "HOME": str(checkout)}
    done = subprocess.run(
        [str(shutil.which("make")), "build"],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0, "make must not go on without what it needs"
    return done.stderr.partition("\n")[0]


def test_a_missing_python_is_named(checkout):
    assert what_build_says(checkout).startswith("Python 3.11 or newer is missing: apt-get install python3.11")


def test_a_missing_cargo_is_named(checkout):
    with_environment(checkout)
    assert what_build_says(checkout).startswith(
        "cargo (Rust 1.88 or newer) is missing: install it with rustup"
    )


def test_a_cargo_that_is_too_old_is_named(checkout):
    with_environment(checkout)
    with_cargo(checkout, "1.65.0")
    assert what_build_says(checkout).startswith("this cargo is older than Rust 1.88: rustup update stable")


def test_a_missing_compiler_is_named(checkout):
    with_environment(checkout)
    with_cargo(checkout, "1.95.0")
    assert what_build_says(checkout).startswith("a C compiler is missing: apt-get install gcc")


def test_help_lists_every_command():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("  make ")}
    assert set(COMMANDS) <= listed
