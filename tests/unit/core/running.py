"""A real `flatproxy run` with the native core: started from YAML, reloaded, killed, asked over real sockets."""

import json
import os
import signal
import ssl
from pathlib import Path
from typing import Any, Self

import httpx

from tests.unit.core.program import Program

COMMAND = ("-c", "from flatproxy.cli import main; main()")


def respond(body: str, listen: str = "127.0.0.1:0", name: str = "web") -> dict[str, Any]:
    """A listener that answers every request itself."""
    return {
        "name": name,
        "listen": listen,
        "routes": [{"name": "all", "respond": {"status": 200, "body": body}}],
    }


class Running:
    """`flatproxy run` on a configuration in `folder`. YAML is a superset of JSON, so JSON is what it gets."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.folder = folder
        self.file = folder / "flatproxy.yaml"
        self.configure(**config)
        self.program = Program(
            *COMMAND, "run", "-c", str(self.file), "--control", str(folder / "control.sock")
        )
        self.addresses: dict[str, str] = {}
        self.admin = ""
        self.proxy_pid = 0

    def configure(self, **config: Any) -> None:
        self.file.write_text(json.dumps(config))

    def ready(self) -> Self:
        """Wait until it serves."""
        self._learn(self.program.event("ready"))
        return self

    def reload(self) -> tuple[int, str]:
        """Exit code of `flatproxy reload`, and all it said."""
        with Program(
            *COMMAND, "reload", "-c", str(self.file), "--control", str(self.folder / "control.sock")
        ) as command:
            output = command.process.stdout.read()
            code = command.exit_code()
            command.join()
        if code == 0:
            self._learn(self.program.event("reloaded", cause="reload"))
        return code, output + "".join(command.lines)

    def kill_proxy(self) -> None:
        os.kill(self.proxy_pid, signal.SIGKILL)

    def get(self, listener: str = "web", **options: Any) -> httpx.Response:
        """One request on a connection of its own."""
        return httpx.get(f"http://{self.addresses[listener]}/", timeout=20, trust_env=False, **options)

    def client(self, *, cert: Path | None = None) -> httpx.Client:
        """A TLS client that trusts our authority; `cert` is a folder that `ca issue` filled."""
        context = ssl.create_default_context(cafile=self.folder / ".flatproxy" / "ca.pem")
        if cert is not None:
            context.load_cert_chain(cert / "cert.pem", cert / "key.pem")
        return httpx.Client(verify=context, timeout=20, trust_env=False)

    def _learn(self, event: dict[str, Any]) -> None:
        self.addresses = {entry["name"]: entry["address"] for entry in event["listeners"]}
        self.admin = f"http://{event['admin']}"
        self.proxy_pid = event.get("proxy", self.proxy_pid)
