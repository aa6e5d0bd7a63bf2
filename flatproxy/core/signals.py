"""Signals as events of a selector: the handler only writes a byte, the loop reads it when it may act."""

import signal
import socket
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Self


class Signals:
    """While open, the given signals arrive as bytes on `receiver` and do nothing else."""

    def __init__(self, *heard: signal.Signals) -> None:
        self.receiver, self._sender = socket.socketpair()
        self.receiver.settimeout(0)
        self._sender.settimeout(0)
        self._heard = heard

    def __enter__(self) -> Self:
        self._wakeup_before = signal.set_wakeup_fd(self._sender.fileno())
        self._before = {number: signal.signal(number, _ignored) for number in self._heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self.close()

    def arrived(self) -> Iterator[signal.Signals]:
        """Those that came since the last call."""
        try:
            data = self.receiver.recv(4096)
        except BlockingIOError:
            return
        for number in data:
            if number in self._heard:
                yield signal.Signals(number)

    def close(self) -> None:
        """Close both ends: what a forked process does."""
        self.receiver.close()
        self._sender.close()


def _ignored(_number: int, _frame: FrameType | None) -> None:
    """Python writes the byte; a handler must exist for that."""
