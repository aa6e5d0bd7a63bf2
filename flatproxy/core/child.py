"""The proxy process as the supervisor holds it: forked, so that a new one serves within milliseconds.

A fork is safe here because the supervisor has one thread and never loads what starts threads of its own.
"""

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterable

from flatproxy.core.channel import Channel
from flatproxy.core.messages import Frames, Message

# What the process runs: the channel to the supervisor, and what an earlier proxy process left to be kept.
ProxyMain = Callable[[Channel, bytes | None], int]
FAILED = 70  # EX_SOFTWARE of sysexits.h: an error of ours
# The supervisor hears these and tells the proxy; a terminal or systemd sends them to both.
_HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class ProxyProcess:
    """A running proxy process and our end of the channel to it."""

    def __init__(self, main: ProxyMain, kept: bytes | None, close_inherited: Callable[[], None]) -> None:
        """Fork. `close_inherited` is called in the child: it closes what belongs to the supervisor alone."""
        self.connection, theirs = socket.socketpair()
        self.started = time.monotonic()
        self.code: int | None = None
        self.lived_seconds = 0.0
        self._frames = Frames()
        self._channel = Channel(self.connection)
        # A signal between fork and reset would run the supervisor's handlers in the child.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (*_HEARD, signal.SIGCHLD))
        self.pid = os.fork()
        if self.pid == 0:
            self.connection.close()
            _become_proxy(main, kept, theirs, close_inherited, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def send(self, message: Message, descriptors: list[int] | None = None) -> None:
        """Send; to a process that just died it goes nowhere, which its death makes known anyway."""
        try:
            self._channel.send(message, descriptors)
        except (BrokenPipeError, ConnectionResetError):
            return

    def received(self) -> Iterable[Message] | None:
        """The messages that are here now, without waiting; None when the process closed its end."""
        try:
            data = self.connection.recv(1 << 20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return ()
        except ConnectionResetError:
            return None
        return self._frames.feed(data) if data else None

    def kill(self) -> None:
        """End it at once, and see that it is gone: its ports are free when this returns."""
        if self.code is not None:
            return  # its pid may be someone else's by now
        os.kill(self.pid, signal.SIGKILL)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def ended(self) -> str | None:
        """How it ended, in words; None while it runs. Then `code` and `lived_seconds` are known."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.code = os.waitstatus_to_exitcode(status)
        self.lived_seconds = time.monotonic() - self.started
        return signal.Signals(-self.code).name if self.code < 0 else f"exit code {self.code}"

    def close(self) -> None:
        """Close our end of the channel."""
        self.connection.close()


def _become_proxy(
    main: ProxyMain,
    kept: bytes | None,
    connection: socket.socket,
    close_inherited: Callable[[], None],
    mask: Iterable[int],
) -> None:
    """Run `main` in the child and end the process with its result; never returns."""
    code = FAILED
    try:
        signal.set_wakeup_fd(-1)
        for heard in _HEARD:
            signal.signal(heard, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        close_inherited()
        code = main(Channel(connection), kept)
    except BaseException:  # noqa: BLE001  the supervisor's stack lies below: nothing may return into it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
