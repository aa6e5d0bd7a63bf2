"""Do two things want the same address, and is the admin address as private as it must be?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flatproxy.config.checks.findings import Findings
    from flatproxy.config.models import Config
    from flatproxy.config.network import Address
    from flatproxy.config.source import Steps


def check(config: Config, findings: Findings) -> None:
    """Find addresses that are listened on twice, and an admin address that is open to others without a token."""
    taken: list[tuple[Address, str]] = []
    for number, listener in enumerate(config.listeners):
        path: Steps = ("listeners", number, "listen")
        _report_overlap(listener.listen, taken, path, findings)
        taken.append((listener.listen, f"listener '{listener.name}'"))
    if config.admin is None:
        return
    _report_overlap(config.admin.listen, taken, ("admin", "listen"), findings)
    ip = config.admin.listen.ip
    if ip is not None and not ip.is_loopback and config.admin.token_file is None:
        findings.error(
            ("admin", "listen"),
            f"{config.admin.listen} is open to other machines: add `token_file`, or listen on 127.0.0.1",
        )


def _report_overlap(
    address: Address, taken: list[tuple[Address, str]], path: Steps, findings: Findings
) -> None:
    for other, owner in taken:
        if other == address:
            findings.error(path, f"{address} is taken by {owner}")
            return
        if _overlap(address, other):
            findings.error(path, f"{address} is taken by {owner}: it listens on {other}")
            return


def _overlap(one: Address, other: Address) -> bool:
    # `[::]` takes no IPv4 connections: core/sockets.py sees to that, so both families may have one port.
    if one.port != other.port or one.port == 0 or one.ip is None or other.ip is None:
        return False
    return one.ip.version == other.ip.version and (one.ip.is_unspecified or other.ip.is_unspecified)
