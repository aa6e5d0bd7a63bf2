"""The state folder of the embedded authority: private, written whole or not at all, one writer at a time."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flatproxy.core.identity.errors import IdentityError

FOLDER_MODE = 0o700
FILE_MODE = 0o600


class StateFolder:
    """A folder (0700) of files (0600). Every error is an IdentityError that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder when it is missing and hold its lock: two processes never both make a root."""
        with self._told("use"):
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            if self.path.stat().st_uid == os.geteuid():
                self.path.chmod(FOLDER_MODE)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def read(self, name: str) -> bytes | None:
        """The content of a file, or None when it is not there."""
        with self._told("read", name):
            try:
                return (self.path / name).read_bytes()
            except FileNotFoundError:
                return None

    def read_secret(self, name: str) -> bytes | None:
        """As `read`, for a private key: refused when others than its owner may read it."""
        content = self.read(name)
        if content is None:
            return None
        mode = stat.S_IMODE((self.path / name).stat().st_mode)
        if mode & 0o077:
            raise IdentityError(
                f"{self.path / name} is a private key that others can read (mode {mode:04o});"
                f" make a new one, or `chmod 600 {self.path / name}` if nobody did"
            )
        return content

    def write(self, name: str, content: bytes) -> None:
        """Replace a file in one step that also survives a power cut."""
        with self._told("write", name):
            write_atomically(self.path / name, content)

    @contextmanager
    def _told(self, verb: str, name: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise IdentityError(f"cannot {verb} {self.path / name}: {error.strerror}") from error


def write_atomically(path: Path, content: bytes, mode: int = FILE_MODE) -> None:
    """Write a new file beside `path`, force it to disk, put it in place, force the folder to disk."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
