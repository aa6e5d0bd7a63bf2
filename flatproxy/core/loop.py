"""A small event loop: sockets that became readable, and timers. One thread, no more than the supervisor needs."""

import selectors
import socket
import time
from collections.abc import Callable

Callback = Callable[[], None]


class Loop:
    """Calls back when a watched socket can be read or a time has come."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: dict[Callback, float] = {}

    def watch(self, readable: socket.socket, callback: Callback) -> None:
        """Call `callback` whenever the socket can be read (or accepted from, or was closed by its peer)."""
        self._selector.register(readable, selectors.EVENT_READ, callback)

    def forget(self, readable: socket.socket) -> None:
        """No longer; nothing happens when it is not watched."""
        if readable.fileno() >= 0 and readable in self._selector.get_map():
            self._selector.unregister(readable)

    def later(self, seconds: float, callback: Callback) -> None:
        """Call `callback` once, after so many seconds; a second call moves the time."""
        self._timers[callback] = time.monotonic() + seconds

    def turn(self) -> None:
        """Wait for the next thing and do all that is due."""
        due = min(self._timers.values(), default=None)
        for key, _ in self._selector.select(None if due is None else max(0.0, due - time.monotonic())):
            # An earlier callback of this turn may have taken it away.
            if key.fd in self._selector.get_map():
                key.data()
        now = time.monotonic()
        for callback in [callback for callback, when in self._timers.items() if when <= now]:
            if self._timers.pop(callback, None) is not None:
                callback()

    def sockets(self) -> list[socket.socket]:
        """All that are watched."""
        return [
            key.fileobj for key in self._selector.get_map().values() if isinstance(key.fileobj, socket.socket)
        ]

    def close(self) -> None:
        """Stop watching everything."""
        self._selector.close()
