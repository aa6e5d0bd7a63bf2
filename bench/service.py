"""The service behind every peer: nginx with 61 bytes and files, a sink that really reads uploads, and a collector of traces."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from bench.certificates import Certificates
from bench.peers.base import TEMPLATES, Tls, find
from bench.places import LOAD_CRATE, LOAD_PROGRAM
from bench.processes import free_addresses, running
from bench.template import render

BODY = "A small answer, as a service gives to most of its questions.."  # 61 bytes
FILE_SIZES = {"1k": 1 << 10, "64k": 64 << 10, "1m": 1 << 20, "10m": 10 << 20}


class BuildError(RuntimeError):
    """The load program could not be compiled."""


@dataclass(frozen=True)
class Service:
    """Its addresses."""

    plain: str
    simple: str
    mutual: str
    sink: str
    collector: str

    def address(self, tls: Tls) -> str:
        """Where it speaks like this."""
        return {Tls.OFF: self.plain, Tls.SIMPLE: self.simple, Tls.MUTUAL: self.mutual}[tls]


def build_load() -> None:
    """Compile the load program; nothing happens when it is up to date. Raises BuildError."""
    command = ["cargo", "build", "--release", "--locked", "--manifest-path", str(LOAD_CRATE / "Cargo.toml")]
    if subprocess.run(command, check=False).returncode != 0:
        raise BuildError("the load program (bench/load) could not be compiled; cargo says why above")


@contextlib.contextmanager
def serving(folder: Path, certificates: Certificates, cores: str) -> Iterator[Service]:
    """Run it until the block ends."""
    service = Service(*free_addresses(len(fields(Service))))
    _write_files(folder / "files")
    config = folder / "service.conf"
    facts = {**vars(service), **vars(certificates), "folder": folder, "body": BODY}
    config.write_text(render((TEMPLATES / "service.conf.tmpl").read_text(), facts))
    nginx = [str(find("nginx")), "-c", str(config), "-p", str(folder)]
    sink = [str(LOAD_PROGRAM), f'{{"role":"sink","address":"{service.sink}"}}']
    collector = [sys.executable, "-m", "bench.collector", service.collector]
    addresses = [service.plain, service.simple, service.mutual]
    with (
        running(nginx, cores=cores, listens=addresses, log=folder / "service.out"),
        running(sink, cores=cores, listens=[service.sink], log=folder / "sink.out"),
        running(collector, cores=cores, listens=[service.collector], log=folder / "collector.out"),
    ):
        yield service


def _write_files(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, size in FILE_SIZES.items():
        (folder / name).write_bytes(b"f" * size)
