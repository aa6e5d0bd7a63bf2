"""`flatproxy demo`: two services behind FlatProxy, walked through step by step.

`walk` is the whole of it: it sets the `stage` (addresses, programs: FlatProxy and instances of `service`), plays the
`steps` with some `load`, and shows the `table`.
"""

from __future__ import annotations

import typer

EXAMPLE = "flatproxy demo"


def demo() -> None:
    """Start two services and FlatProxy, and show what it does. On a terminal it then stays up for you to try."""
    try:
        from flatproxy.cli.demo.walk import play
    except ImportError as error:
        from flatproxy.cli.report import fail

        fail(str(error))
    raise typer.Exit(play())
