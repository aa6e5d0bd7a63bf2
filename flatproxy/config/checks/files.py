"""Are the files and folders there that the proxy opens later?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flatproxy.config.checks.findings import Findings
    from flatproxy.config.models import Config


def check(config: Config, findings: Findings) -> None:
    """Find an access log without a folder, and a token that is not there."""
    log = config.access_log
    if isinstance(log, Path):
        if log.is_dir():
            findings.error(("access_log",), f"{log} is a folder; name a file in it")
        elif not log.parent.is_dir():
            findings.error(("access_log",), f"there is no folder {log.parent} to write the access log to")
    token = config.admin.token_file if config.admin else None
    if token is not None and not token.is_file():
        findings.error(("admin", "token_file"), f"cannot read {token}: no such file")
