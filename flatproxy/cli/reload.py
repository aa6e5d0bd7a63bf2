"""`flatproxy reload`: have a running FlatProxy load its configuration again."""

from __future__ import annotations

from typing import Annotated

import typer

from flatproxy.cli.report import DEFAULT_CONFIG, ConfigOption, busy, err, fail, out
from flatproxy.cli.run import ControlOption  # noqa: TC001 -- typer reads it at run time

EXAMPLE = "flatproxy reload -c flatproxy.yaml"

TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long to wait for the answer.")
]


def reload(
    config: ConfigOption = DEFAULT_CONFIG, control: ControlOption = None, timeout: TimeoutOption = 60.0
) -> None:
    """Load the configuration again, without losing a request. A bad file changes nothing, and you see why."""
    from flatproxy.core.control import ControlError, ask_reload, control_path

    try:
        with busy(f"loading {config}"):
            errors = ask_reload(control or control_path(config), timeout)
    except ControlError as error:
        fail(str(error))
    if errors:
        for problem in errors:
            err().print(problem)
        fail("nothing was changed; the old configuration keeps serving")
    out().print(f"{config} is loaded")
