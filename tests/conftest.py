"""What every test may ask for: a free port, and a plain reason to be skipped where a program is missing."""

import shutil
import socket

import pytest
from hypothesis import settings

# Shared machines stall for longer than hypothesis' 200 ms; the time limit of pytest still ends a test that hangs.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a program that this machine does not have."""
    for marker in item.iter_markers("needs"):
        missing = [program for program in marker.args if not find_program(program)]
        if missing:
            pytest.skip(f"{', '.join(missing)} not installed (`make system-packages` as root brings it)")


def find_program(name: str) -> str | None:
    """The path of a program; servers live in sbin, which is not on every user's PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")


@pytest.fixture
def free_port() -> int:
    """A port on 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
