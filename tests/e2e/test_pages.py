"""README.md and docs/start.md do what they say: their commands are run in order, their outputs compared.

A `yaml` block that begins with `# flatproxy.yaml` is written to that file, a `sh` block is run (one that begins with
`# stays` goes on beside the others), and a `text` block is what the one before it should have said: its lines in this
order, `...` standing for anything. Ports are replaced by free ones.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|yaml|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"\b(8080|9001|9002|9003|9901)\b")
PATIENCE_SECONDS = 60

pytestmark = [pytest.mark.timeout(300), pytest.mark.needs("curl", "bash")]


@pytest.fixture
def ports():
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(5)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        chosen = [str(probe.getsockname()[1]) for probe in probes]
    return dict(zip(("8080", "9001", "9002", "9003", "9901"), chosen, strict=True))


@pytest.fixture
def reader(tmp_path, ports):
    """Somebody who does what the page says."""
    with Reader(tmp_path) as reader:
        yield reader


class Reader:
    """A shell in a folder, with `flatproxy` on its path, and what goes on in other terminals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        commands = folder / "bin"
        commands.mkdir()
        script = commands / "flatproxy"
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -m flatproxy "$@"\n')
        script.chmod(0o755)
        self.environment = os.environ | {
            "PATH": f"{commands}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "XDG_RUNTIME_DIR": str(folder),
        }
        self.stays: list[subprocess.Popen[bytes]] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.stays:
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.stays:
            process.wait(PATIENCE_SECONDS)

    def run(self, commands: str) -> str:
        done = subprocess.run(
            ["bash", "-e", "-c", commands],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"should work:\n{commands}\nbut said:\n{done.stdout}"
        return done.stdout

    def start(self, command: str, listening: list[str]) -> None:
        with (self.folder / "stays.log").open("ab") as log:
            self.stays.append(
                subprocess.Popen(
                    ["bash", "-c", f"exec {command.splitlines()[-1]}"],
                    cwd=self.folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    process_group=0,
                )
            )
        for port in listening:
            self._await(int(port))

    def _await(self, port: int) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            assert self.stays[-1].poll() is None, (self.folder / "stays.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)  # nothing tells when another program listens
        pytest.fail(f"nothing listens on {port}: {(self.folder / 'stays.log').read_text()}")


def says(output: str, expected: str) -> bool:
    """The expected lines are there, in this order."""
    lines = iter(output.splitlines())
    patterns = (re.escape(line).replace(re.escape("..."), ".*") for line in expected.splitlines())
    return all(any(re.fullmatch(pattern, line.strip()) for line in lines) for pattern in patterns)


@pytest.mark.parametrize("page", ["README.md", "docs/start.md"])
def test_a_page_does_what_it_says(page, reader, ports):
    said, listens = "", []
    for kind, raw in BLOCK.findall((ROOT / page).read_text()):
        text = PORT.sub(lambda found: ports[found[0]], raw).replace("/tmp/first", ".").strip()
        if kind == "yaml":
            assert text.startswith("# flatproxy.yaml\n"), f"{page}: is this the whole file?\n{text}"
            (reader.folder / "flatproxy.yaml").write_text(text)
            listens = re.findall(r"listen: 127\.0\.0\.1:(\d+)", text)
        elif kind == "text":
            assert says(said, text), f"{page} should say:\n{text}\nbut said:\n{said}"
        elif text.startswith("# stays\n"):
            reader.start(text, listens if "flatproxy run" in text else re.findall(r" (\d+) --bind", text))
        else:
            said = reader.run(text)
