"""`flatproxy run`: serve a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flatproxy.cli.report import DEFAULT_CONFIG, ConfigOption, fail

if TYPE_CHECKING:
    from flatproxy.core.proxy import AdminServer, Proxy

EXAMPLE = "flatproxy run -c flatproxy.yaml"

ControlOption = Annotated[
    Path | None,
    typer.Option(
        "--control", metavar="SOCKET", help="The control socket, when the default place will not do."
    ),
]
ReadyOption = Annotated[
    int | None,
    typer.Option(
        "--ready-fd",
        metavar="N",
        help="Write a JSON line with the addresses to this descriptor once they serve.",
    ),
]


def run(
    config: ConfigOption = DEFAULT_CONFIG, control: ControlOption = None, ready_fd: ReadyOption = None
) -> None:
    """Serve until SIGTERM or Ctrl-C. SIGHUP or `flatproxy reload` loads the configuration again."""
    try:
        from flatproxy.core.server import serve
    except ImportError as error:
        fail(str(error))
    from flatproxy.core.control import ControlError

    try:
        code = serve(config, _start_admin, control=control, ready_descriptor=ready_fd)
    except ControlError as error:
        fail(str(error))
    raise typer.Exit(code)


def _start_admin(proxy: Proxy, listen: str, descriptor: int, token: str | None) -> AdminServer:
    from flatproxy.admin import start

    return start(proxy, listen, descriptor, token)
