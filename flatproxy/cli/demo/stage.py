"""What the demo plays with: a folder of its own, two services in three processes, FlatProxy, a client's certificate."""

from __future__ import annotations

import shutil
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx

from flatproxy.cli.demo.addresses import HOST, Moved, with_free_addresses
from flatproxy.cli.demo.program import DemoError, Program
from flatproxy.config import load

if TYPE_CHECKING:
    from types import TracebackType

    from flatproxy.cli.demo.interrupt import Interrupts

CONFIG = Path(__file__).with_name("flatproxy.yaml")  # examples/demo/flatproxy.yaml
SERVICE = Path(__file__).with_name("service.py")
START_SECONDS = 60.0  # on a machine that is busy with other things
TIMEOUT_SECONDS = 15.0


class Stage:
    """All that is started for the demo; leaving the `with` ends and removes it."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._services: dict[str, Program] = {}
        self._proxy: Program | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="flatproxy-demo-"))
        self.file = self.folder / "flatproxy.yaml"
        self.log = self.folder / "flatproxy.log"
        self.access_log = self.folder / "access.log"
        self.certificate = self.folder / "client"
        self.web = self.mesh = self.admin = ""
        self.endpoints: dict[str, str] = {}
        self.moved: list[Moved] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interrupts.ignore()
        if self._proxy is not None:
            self._proxy.stop()
        for service in self._services.values():
            service.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # === start and end ===

    def prepare(self) -> None:
        """Write the configuration, with addresses that are free."""
        text, self.moved = with_free_addresses(CONFIG.read_text())
        self.file.write_text(text)
        self._read_addresses()

    def start(self) -> None:
        """Start the services and FlatProxy; returns when all of them serve."""
        for name in self.endpoints:
            self.start_service(name)
        with self._interrupts.held():
            self._proxy = Program(
                "FlatProxy",
                ["-m", "flatproxy", "run", "-c", str(self.file), "--ready-fd"],
                self.log,
                self.access_log,
            )
        self.proxy.ready(START_SECONDS)
        for service in self._services.values():
            service.ready(START_SECONDS)

    def start_service(self, name: str) -> Program:
        """Start one endpoint of a service; it is not ready yet."""
        arguments = ["-I", str(SERVICE), name, self.endpoints[name]]
        with self._interrupts.held():
            self._services[name] = Program(name, arguments, self.folder / f"{name}.log")
        return self._services[name]

    def kill_service(self, name: str) -> None:
        """End an endpoint without a warning."""
        self._services[name].kill()

    # === what it consists of ===

    def _read_addresses(self) -> None:
        config = load(self.file)
        listeners = {listener.name: str(listener.listen) for listener in config.listeners}
        self.web, self.mesh = listeners["web"], listeners["mesh"]
        assert config.admin is not None
        self.admin = str(config.admin.listen)
        for upstream in config.upstreams:
            many = len(upstream.endpoints) > 1
            for number, endpoint in enumerate(upstream.endpoints, 1):
                self.endpoints[f"{upstream.name}-{number}" if many else upstream.name] = str(endpoint.address)

    @property
    def proxy(self) -> Program:
        """FlatProxy itself."""
        if self._proxy is None:
            raise DemoError("FlatProxy was not started")
        return self._proxy

    # === asking ===

    def get(self, path: str, host: str, **headers: str) -> httpx.Response:
        """One request in plain text; `_` in a header's name stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.get(
            f"http://{self.web}{path}",
            headers={"host": host, **named},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )

    def get_with_tls(self, path: str, host: str, certificate: Path | None) -> httpx.Response:
        """One request with TLS, showing a certificate or none."""
        context = ssl.create_default_context(cafile=self.certificate / "ca.pem")
        if certificate is not None:
            context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        url = f"https://localhost:{self.mesh.removeprefix(f'{HOST}:')}{path}"
        with httpx.Client(verify=context, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            return client.get(url, headers={"host": host})

    def metric(self, line: str) -> float:
        """The value of a metric, written as `/metrics` has it; 0 while it is not there."""
        text = httpx.get(f"http://{self.admin}/metrics", timeout=TIMEOUT_SECONDS, trust_env=False).text
        found = [
            value for name, _, value in (row.rpartition(" ") for row in text.splitlines()) if name == line
        ]
        return float(found[0]) if found else 0.0
