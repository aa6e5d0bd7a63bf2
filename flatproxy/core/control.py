"""The control socket: how `flatproxy reload` finds and asks the supervisor of a configuration file.

A unix socket only its owner may open, at a path that both sides derive from the path of the configuration.
"""

import contextlib
import fcntl
import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from flatproxy.core.channel import Channel
from flatproxy.core.loop import Loop
from flatproxy.core.messages import Answer, Frames, ProtocolError, Reload
from flatproxy.core.reloads import Asker

ANSWER_SECONDS = 1.0


class ControlError(Exception):
    """The control socket cannot be made, or nobody answers there."""


def control_path(config: Path) -> Path:
    """Where the supervisor of this configuration file listens."""
    digest = hashlib.sha256(os.fsencode(config.resolve())).hexdigest()
    return runtime_folder() / f"{digest[:16]}.sock"


def runtime_folder() -> Path:
    """`/run/flatproxy` for root, else below XDG_RUNTIME_DIR, else in the temporary folder."""
    user = os.geteuid()
    if user == 0 and os.access("/run", os.W_OK):
        # Not XDG_RUNTIME_DIR: a root shell has one, a system service has none, and the two must meet.
        return Path("/run/flatproxy")
    if user and (folder := os.environ.get("XDG_RUNTIME_DIR")):
        return Path(folder) / "flatproxy"
    return Path(tempfile.gettempdir()) / f"flatproxy-{user}"


class ControlSocket:
    """The supervisor's end: a listening socket, and a lock that one supervisor per configuration holds."""

    def __init__(self, path: Path) -> None:
        """Raises ControlError when another supervisor is there."""
        self.path = path
        self._lock = _lock(path)
        try:
            path.unlink(missing_ok=True)  # left by one that was killed: we hold its lock
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(str(path))
            path.chmod(0o600)
            self._listener.listen(16)
            self._listener.settimeout(0)
        except OSError as error:
            self._lock.close()
            raise ControlError(f"cannot make the control socket {path}: {error.strerror or error}") from error

    def attach(self, loop: Loop, on_reload: Callable[[Asker], None]) -> None:
        """Serve on `loop`: whoever asks for a reload becomes an asker."""
        loop.watch(self._listener, lambda: self._accept(loop, on_reload))

    def close(self) -> None:
        """Close without removing the path: what a forked process does."""
        self._listener.close()
        self._lock.close()

    def remove(self) -> None:
        """Close, and leave no path behind."""
        self.path.unlink(missing_ok=True)
        self.close()

    def _accept(self, loop: Loop, on_reload: Callable[[Asker], None]) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # gone again, or no descriptor is left: the caller sees no answer
        # Writing an answer may take so long at most; a caller that does not read must not hold us up.
        connection.settimeout(ANSWER_SECONDS)
        frames = Frames()
        loop.watch(connection, lambda: _read_request(loop, connection, frames, on_reload))


def _read_request(
    loop: Loop, connection: socket.socket, frames: Frames, on_reload: Callable[[Asker], None]
) -> None:
    try:
        data = connection.recv(4096)
        messages = list(frames.feed(data))
    except (OSError, ProtocolError):
        data, messages = b"", []
    if messages == [Reload()]:
        loop.forget(connection)
        on_reload(lambda errors: _answer(connection, errors))
    elif messages or not data:
        loop.forget(connection)
        connection.close()


def _answer(connection: socket.socket, errors: list[str]) -> None:
    with connection, contextlib.suppress(OSError):
        Channel(connection).send(Answer(errors))


def ask_reload(path: Path, timeout: float) -> list[str]:
    """Ask the supervisor behind `path` to reload; returns its errors. Raises ControlError when nobody answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
            channel = Channel(connection)
            channel.send(Reload())
            received = channel.receive()
        except TimeoutError as error:
            raise ControlError(
                f"no answer within {timeout:g} seconds; the log says how the reload ends"
            ) from error
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise ControlError(f"no FlatProxy runs with this configuration ({path})") from error
        except (OSError, ProtocolError) as error:
            raise ControlError(f"the control socket {path} does not answer: {error}") from error
    if received is None or not isinstance(received[0], Answer):
        raise ControlError("FlatProxy stopped before it answered")
    return received[0].errors


def _lock(path: Path) -> TextIO:
    """Take the lock beside `path`, and write our pid into it; it ends with the process, however that ends."""
    try:
        _private_folder(path.parent)
        file = path.with_suffix(".lock").open("a+")
    except OSError as error:
        raise ControlError(f"cannot make the control socket {path}: {error.strerror or error}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise ControlError(f"FlatProxy already runs with this configuration: process {holder}") from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _private_folder(folder: Path) -> None:
    """Make it, or see that it is ours alone: in a shared temporary folder someone may have come first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(0, f"{folder} must be a folder that only we may write to")
