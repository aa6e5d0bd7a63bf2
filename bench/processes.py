"""Starts programs on chosen cores, waits until they listen, and ends them."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

START_SECONDS = 20.0
STOP_SECONDS = 10.0


class StartError(RuntimeError):
    """A program that did not come up, with what it said."""


def free_address() -> str:
    """An address on loopback that nothing listens on."""
    return free_addresses(1)[0]


def free_addresses(count: int) -> list[str]:
    """So many of them, no two the same: all are held until the last is found."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes]


# One for each of 10,000 idle connections, at the load as at the proxy, and some to live on.
OPEN_FILES = 12_000


def allow_many_files() -> bool:
    """Raise our limit of open files, which what we start inherits, as far as the machine allows; False where that is too low."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard >= OPEN_FILES


def pinned(command: Sequence[str], cores: str) -> list[str]:
    """The command, kept on these cores."""
    return ["taskset", "--cpu-list", cores, *command]


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    cores: str,
    listens: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run a server until the block ends; gives its process id once it listens on every address."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            pinned(command, cores),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    try:
        for address in listens:
            _wait_until_listening(process, address, log)
        yield process.pid
    finally:
        _stop(process)


def _wait_until_listening(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartError(f"ended with {process.returncode}: {_tail(log)}")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.02)
    raise StartError(f"does not listen on {address} after {START_SECONDS:.0f} s: {_tail(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, then insist; the whole session goes, so that no worker is left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(log: Path) -> str:
    text = log.read_text(errors="replace").strip() if log.exists() else ""
    return text[-800:] or "it said nothing"
