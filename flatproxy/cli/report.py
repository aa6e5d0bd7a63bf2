"""What every verb says the same way: where output goes, how problems look, how a failure ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.console import Console

    from flatproxy.config import Config, ConfigErrors, Problem

# More lines than this help nobody; the first ones often cause the rest.
MOST_PROBLEMS = 100

ConfigOption = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration file.")]
DEFAULT_CONFIG = Path("flatproxy.yaml")


def out() -> Console:
    """Return the console for results. Colour only on a terminal, and never with NO_COLOR set."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console for problems."""
    return _console(stderr=True)


def fail(errors: ConfigErrors | str) -> NoReturn:
    """Say why it did not work out, and end with exit code 1."""
    console = err()
    if isinstance(errors, str):
        console.print(_styled("error: ", "red", errors))
        raise typer.Exit(1)
    for problem in errors.problems[:MOST_PROBLEMS]:
        console.print(_shown(problem, "red"))
    if (more := len(errors.problems) - MOST_PROBLEMS) > 0:
        console.print(f"... and {more} more")
    raise typer.Exit(1)


def busy(what: str) -> AbstractContextManager[object]:
    """Show on a terminal that work goes on, until the block ends: thousands of routes take seconds."""
    return err().status(what)


def warn(config: Config) -> None:
    """Say what is odd about a configuration, but no error."""
    console = err()
    for problem in config.source.warnings[:MOST_PROBLEMS]:
        console.print(_shown(problem, "yellow", "warning: "))


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = 10_000  # a pipe has no edge to wrap at
    return console


def _shown(problem: Problem, style: str, prefix: str = "") -> object:
    return _styled(f"{problem.place}: ", "bold", f"{prefix}{problem.message}", style)


def _styled(head: str, head_style: str, rest: str, style: str = "") -> object:
    from rich.text import Text

    return Text.assemble((head, head_style), (rest, style))
