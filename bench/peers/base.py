"""What a peer is: a program, its configuration for a setup, and how to find out whether it is here."""

import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bench.certificates import Certificates
from bench.chain import NO_CHAIN, Chain
from bench.template import render

TEMPLATES = Path(__file__).parent
DEBIAN_PATH = "/usr/sbin:/sbin:/usr/local/sbin"


class Tls(Enum):
    """How the load speaks to the peer."""

    OFF = "off"
    SIMPLE = "simple"
    MUTUAL = "mutual"


@dataclass(frozen=True)
class Setup:
    """What a peer is to be configured for."""

    listen: str
    admin: str
    service: str
    tls: Tls
    routes: int
    workers: int
    log: bool
    certificates: Certificates
    folder: Path
    chain: Chain = NO_CHAIN
    collector: str = ""

    def facts(self) -> dict[str, object]:
        """The values that the templates name."""
        listen_host, _, listen_port = self.listen.rpartition(":")
        service_host, _, service_port = self.service.rpartition(":")
        collector_host, _, collector_port = self.collector.rpartition(":")
        mtls = self.tls is Tls.MUTUAL
        return {
            "listen_host": listen_host,
            "listen_port": listen_port,
            "admin_port": self.admin.rpartition(":")[2],
            "service_host": service_host,
            "service_port": service_port,
            "collector_host": collector_host,
            "collector_port": collector_port,
            "tls": self.tls is not Tls.OFF,
            "simple": self.tls is Tls.SIMPLE,
            "mtls": mtls,
            "mtls_word": str(mtls).lower(),
            "routes": range(self.routes),
            "workers": self.workers,
            "log": self.log,
            "log_word": str(self.log).lower(),
            "log_path": self.folder / "access.log",
            "folder": self.folder,
            "ca": self.certificates.ca,
            "server_cert": self.certificates.server_cert,
            "server_key": self.certificates.server_key,
            "server_both": self.certificates.server_both,
            **self.chain.facts(),
        }


class Peer(ABC):
    """One of those that are measured."""

    name: str
    proxies = True  # False: there is no process between the load and the service

    @abstractmethod
    def absent(self) -> str | None:
        """Why it cannot be measured here; None when it can. May install what the benchmark itself brings."""

    @abstractmethod
    def version(self) -> str:
        """What the program says of itself."""

    @abstractmethod
    def command(self, setup: Setup) -> Sequence[str]:
        """Writes its configuration into the setup's folder; returns what starts it there."""

    def write(self, template: str, setup: Setup, name: str | None = None) -> Path:
        """Render one of the committed templates into the setup's folder."""
        path = setup.folder / (name or template.removesuffix(".tmpl"))
        path.write_text(render((TEMPLATES / template).read_text(), setup.facts()))
        return path


def find(program: str) -> str | None:
    """Where a program is; servers live in sbin, which is not on every user's PATH."""
    return shutil.which(program) or shutil.which(program, path=DEBIAN_PATH)


def first_line(*command: str) -> str:
    """What a program prints first, on either stream."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return (done.stdout + done.stderr).strip().partition("\n")[0]
