"""A configuration as `check` and `explain` look at it: loaded, its plan built, what is wrong or odd reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy.cli.report import busy, err, fail, warn

if TYPE_CHECKING:
    from pathlib import Path

    from flatproxy.config import Config
    from flatproxy.core.plan import Plan


def planned(path: Path) -> tuple[Config, Plan]:
    """Return a configuration and its plan, or end with exit code 1 and every problem."""
    from flatproxy.config import ConfigErrors, load
    from flatproxy.core.preview import preview

    try:
        with busy(f"checking {path}"):
            config = load(path)
            seen = preview(config)
    except ConfigErrors as errors:
        fail(errors)
    warn(config)
    for warning in seen.plan.warnings:
        err().print(f"warning: {warning}", style="yellow")
    if not seen.compiled:
        err().print(
            "warning: the native core is not built here, so what only it can judge was not judged",
            style="yellow",
        )
    return config, seen.plan
