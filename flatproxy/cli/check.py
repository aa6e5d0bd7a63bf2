"""`flatproxy check`: is this configuration one that would serve?"""

from __future__ import annotations

from flatproxy.cli.report import DEFAULT_CONFIG, ConfigOption, fail, out, warn

EXAMPLE = "flatproxy check -c flatproxy.yaml"


def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Build the plan of a configuration and stop: every problem at once, with file, line and column."""
    from flatproxy.config import ConfigErrors, load
    from flatproxy.core.preview import preview

    try:
        loaded = load(config)
        plan = preview(loaded)
    except ConfigErrors as errors:
        fail(errors)
    warn(loaded)
    counts = (
        (len(loaded.listeners), "listener"),
        (len(plan.routes), "route"),
        (len(loaded.upstreams), "upstream"),
    )
    summary = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    out().print(f"{config} is fine: {summary}")
