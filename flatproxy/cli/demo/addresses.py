"""The addresses of the demo: those in the file, or free ones where somebody else has them."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack
from ipaddress import ip_address

from flatproxy.core.holder import holders

HOST = "127.0.0.1"
ADDRESS = re.compile(re.escape(HOST) + r":(\d+)")


class Moved:
    """An address that was taken, and what is used in its place."""

    def __init__(self, wanted: str, used: str, by: str) -> None:
        self.wanted = wanted
        self.used = used
        self.by = by

    def __str__(self) -> str:
        return f"{self.wanted} is taken by {self.by}: {self.used} is used instead"


def with_free_addresses(config: str) -> tuple[str, list[Moved]]:
    """The same configuration with a free port wherever its own is taken, and which ones these are."""
    moved: dict[str, Moved] = {}
    with ExitStack() as held:  # until all are chosen, so that none is chosen twice
        for port in sorted({int(port) for port in ADDRESS.findall(config)}):
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                probe.bind((HOST, 0))
                used = f"{HOST}:{probe.getsockname()[1]}"
                moved[f"{HOST}:{port}"] = Moved(f"{HOST}:{port}", used, _holder(port))
    changed = ADDRESS.sub(lambda found: moved[found[0]].used if found[0] in moved else found[0], config)
    return changed, list(moved.values())


def _holder(port: int) -> str:
    return " and ".join(map(str, holders(ip_address(HOST), port))) or "somebody who cannot be seen"
