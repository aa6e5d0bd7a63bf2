"""Ctrl-C that ends the demo at any moment, but never between starting a process and knowing of it."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# A closed terminal and `kill` end the demo as Ctrl-C does.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Turns the signals that end a program into KeyboardInterrupt, at a moment that suits."""

    def __init__(self) -> None:
        self._held = 0
        self._pending = False
        for number in ENDING:
            signal.signal(number, self._on_signal)

    @contextmanager
    def held(self) -> Iterator[None]:
        """What comes meanwhile counts at the end."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._pending and not self._held:
            self._pending = False
            raise KeyboardInterrupt

    def ignore(self) -> None:
        """From now on: the demo cleans up, which takes seconds at most."""
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._pending = True
        else:
            raise KeyboardInterrupt
