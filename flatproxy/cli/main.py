"""Puts the verbs together. Exit codes: 0 done, 1 it did not work out, 2 wrong usage."""

from __future__ import annotations

import typer

from flatproxy.cli import ca, check, demo, explain, reload, run, schema, version
from flatproxy.cli import filter as filters

app = typer.Typer(
    name="flatproxy",
    help="A service-mesh proxy at the entrance of the node.",
    epilog="Example: flatproxy check -c flatproxy.yaml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=f"Example: {run.EXAMPLE}")(run.run)
app.command(epilog=f"Example: {check.EXAMPLE}")(check.check)
app.command(epilog=f"Example: {explain.EXAMPLE}")(explain.explain)
app.command(epilog=f"Example: {reload.EXAMPLE}")(reload.reload)
app.add_typer(filters.app, name="filter")
app.add_typer(ca.app, name="ca")
app.command(epilog=f"Example: {demo.EXAMPLE}")(demo.demo)
app.command(epilog=f"Example: {schema.EXAMPLE}")(schema.schema)
app.command(epilog=f"Example: {version.EXAMPLE}")(version.version)


def main() -> None:
    """Run the command line."""
    app()
