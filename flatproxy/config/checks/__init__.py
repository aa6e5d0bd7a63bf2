"""What two keys say about each other, and about the world: one file per kind of question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy.config.checks import addresses, files, names, routes, tls, unreachable, upstreams
from flatproxy.config.checks.findings import Findings

if TYPE_CHECKING:
    from flatproxy.config.models import Config
    from flatproxy.config.nodes import Mapping

__all__ = ["Findings", "check", "check_names"]

_CHECKS = (addresses.check, files.check, routes.check, unreachable.check, upstreams.check, tls.check)


def check_names(root: Mapping, findings: Findings) -> None:
    """Ask about names, which the file answers before the model does."""
    names.check(root, findings)


def check(config: Config, findings: Findings) -> None:
    """Ask every question about the model; what is found is in `findings`."""
    for ask in _CHECKS:
        ask(config, findings)
