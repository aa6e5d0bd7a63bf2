"""The table of the demo: it grows on a terminal, and is printed once where there is none."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

PIPE_WIDTH = 140  # a pipe has no width of its own


def console() -> Console:
    """Return the console of the demo. Colour only on a terminal, and never with NO_COLOR set."""
    made = Console(highlight=False, markup=False)
    if not made.is_terminal:
        made.width = PIPE_WIDTH
    return made


class StepTable:
    """Rows of step, what was done, what was seen, and whether that is right."""

    def __init__(self, to: Console) -> None:
        self._console = to
        self._rows: list[tuple[RenderableType, ...]] = []
        self._running: tuple[RenderableType, ...] | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the table as it grows, or print it at the end."""
        if self._console.is_terminal:
            with Live(get_renderable=self._table, console=self._console, refresh_per_second=8):
                yield
            return
        try:
            yield
        finally:
            self._running = None
            if self._rows:
                self._console.print(self._table())

    def begin(self, name: str, done: str) -> None:
        """A step runs."""
        self._running = (name, done, Spinner("dots", "running"), "")
        if not self._console.is_terminal:
            sys.stderr.write(f"... {name}: {done}\n")
            sys.stderr.flush()

    def end(self, name: str, done: str, seen: str, *, ok: bool) -> None:
        """It is over."""
        result = Text("ok", "green") if ok else Text("failed", "bold red")
        self._rows.append((name, done, seen, result))
        self._running = None

    def _table(self) -> Table:
        table = Table(show_lines=True, expand=False)
        table.add_column("Step", style="bold", min_width=12)
        table.add_column("What was done")
        table.add_column("What was seen")
        table.add_column("Result", min_width=6)
        for row in self._rows:
            table.add_row(*row)
        if self._running is not None:
            table.add_row(*self._running)
        return table
