"""`flatproxy check`: is this configuration one that would serve?"""

from __future__ import annotations

from flatproxy.cli.planned import planned
from flatproxy.cli.report import DEFAULT_CONFIG, ConfigOption, out

EXAMPLE = "flatproxy check -c flatproxy.yaml"


def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Build the plan of a configuration and stop: every problem at once, with file, line and column."""
    loaded, plan = planned(config)
    counts = (
        (len(loaded.listeners), "listener"),
        (len(plan.routes), "route"),
        (len(loaded.upstreams), "upstream"),
    )
    summary = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    out().print(f"{config} is fine: {summary}")
