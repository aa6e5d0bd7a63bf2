"""A whole FlatProxy, as an operator has it: what it serves, what it says, what it takes."""

import json
import os
import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx

from tests.unit.core.program import WAIT_SECONDS
from tests.unit.core.running import Running

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Of two addresses with port 0, each needs a host of its own to be told apart.
ADMIN = "127.0.0.3:0"
# Reading those of the system takes longer than a whole question, and the admin address speaks plain text.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Deployment(Running):
    """`flatproxy run` with two data threads, an admin address, and the access log in a file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.__exit__(None, None, None)

    def configure(self, **config: Any) -> None:
        """Write the file; it takes effect at the start, or with a reload."""
        self.access_log = self.folder / "access.log"
        usual = {"workers": 2, "admin": {"listen": ADMIN}, "access_log": str(self.access_log)}
        super().configure(**{**usual, **config})

    def address(self, listener: str = "web") -> tuple[str, int]:
        """Where a listener can be reached."""
        host, port = self.addresses[listener].rsplit(":", 1)
        return host, int(port)

    # === what it says ===

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        text = self._told("/metrics").text
        samples = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        return sum(float(value) for told, value in samples if wanted <= set(told.split(",")))

    def status(self) -> dict[str, Any]:
        """The whole of `/status`."""
        return self._told("/status").json()

    def connections(self) -> int:
        """Open connections of all listeners."""
        return sum(listener["connections"] for listener in self.status()["listeners"])

    def exchanges(self) -> list[dict[str, Any]]:
        """Every line of the access log that is written."""
        return [json.loads(line) for line in self.access_log.read_text().splitlines()]

    def _told(self, path: str) -> httpx.Response:
        return httpx.get(self.admin + path, timeout=WAIT_SECONDS, trust_env=False, verify=NO_AUTHORITIES)

    # === what it takes ===

    def descriptors(self) -> int:
        """Open files and sockets of the proxy process."""
        return len(os.listdir(f"/proc/{self.proxy_pid}/fd"))  # noqa: PTH208  only their number matters

    def memory(self) -> int:
        """Resident bytes of the proxy process."""
        return int(Path(f"/proc/{self.proxy_pid}/statm").read_text().split()[1]) * PAGE_BYTES

    def cpu_seconds(self) -> float:
        """Processor time of the proxy process until now, user and system."""
        after_name = Path(f"/proc/{self.proxy_pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / TICKS_PER_SECOND


def until(reached: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> Any:
    """What `reached` gives once it is true: for what has no event that can be awaited."""
    deadline = time.monotonic() + seconds
    while not (result := reached()):
        assert time.monotonic() < deadline, f"within {seconds} s: {what}"
        time.sleep(0.02)
    return result


# === parts of a configuration ===


def listener(*routes: dict[str, Any], name: str = "web", **more: Any) -> dict[str, Any]:
    """A listener on a port of its own; without routes it has one that takes everything to the upstream `app`."""
    return {"name": name, "listen": "127.0.0.1:0", "routes": list(routes or (route(),)), **more}


def route(name: str = "all", upstream: str | None = "app", **more: Any) -> dict[str, Any]:
    """A route to an upstream; to none where `more` says what else is done."""
    return {"name": name, **({"upstream": upstream} if upstream else {}), **more}


def upstream(*addresses: str, name: str = "app", **more: Any) -> dict[str, Any]:
    """An upstream whose endpoints are never set aside, so that one test's fault is not the next one's."""
    return {"name": name, "endpoints": list(addresses), "ejection": "off", **more}
