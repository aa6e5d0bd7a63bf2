"""Keeps an identity fresh: on a thread, renews it in time and loads it again when its files change.

A renewal that fails keeps the identity we have, and says so in the log until it works again.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from flatproxy.core import log
from flatproxy.core.identity.embedded import utc_now
from flatproxy.core.identity.errors import IdentityError
from flatproxy.core.identity.material import Identity
from flatproxy.core.identity.source import Source

POLL_SECONDS = 1.0
REPEAT_ALARM_SECONDS = 300.0
Signature = tuple[tuple[int, int, int] | None, ...]


class Watch:
    """Calls `on_change` with every new identity, on its own thread. `identity` is the one in use.

    `seen` is the `signature` of the source from before `identity` was loaded: what changed since then is news.
    """

    def __init__(
        self,
        source: Source,
        identity: Identity,
        on_change: Callable[[Identity], None],
        *,
        seen: Signature,
        now: Callable[[], datetime] = utc_now,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.identity = identity
        self.rotations = 0
        self.failing: str | None = None
        self._source = source
        self._on_change = on_change
        self._now = now
        self._poll_seconds = poll_seconds
        self._stopped = threading.Event()
        self._seen = seen
        self._suspect: Signature | None = None
        self._alarmed_at = 0.0
        self._thread = threading.Thread(target=self._run, name="identity", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and wait for the thread."""
        self._stopped.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def check(self) -> None:
        """Look once: load when a file changed or the certificate has lived half its life."""
        now_seen = signature(self._source.watched())
        renew_at = self.identity.renew_at
        if now_seen == self._seen and not (renew_at is not None and self._now() >= renew_at):
            return
        try:
            fresh = self._source.load()
        except IdentityError as error:
            self._alarm(str(error), now_seen)
            return
        # What `load` itself wrote is no change; what came after it is seen by the next look.
        self._seen, self._suspect, self.failing = now_seen, None, None
        if fresh != self.identity:
            self._use(fresh)

    def _use(self, fresh: Identity) -> None:
        self.identity = fresh
        self.rotations += 1
        self._on_change(fresh)

    def _alarm(self, reason: str, now_seen: Signature) -> None:
        # Certificate and key are replaced one after the other: only files that stay bad are worth an alarm.
        if now_seen != self._suspect:
            self._suspect = now_seen
            return
        news = reason != self.failing or time.monotonic() - self._alarmed_at > REPEAT_ALARM_SECONDS
        self.failing = reason
        if news:
            self._alarmed_at = time.monotonic()
            left = int(self.identity.remaining(self._now()).total_seconds())
            log.event("identity_not_renewed", reason, level="error", serves_until_seconds=left)

    def _run(self) -> None:
        while not self._stopped.wait(self._poll_seconds):
            try:
                self.check()
            except Exception as error:  # noqa: BLE001  whatever it is, traffic goes on with what we have
                log.event("identity_watch_failed", repr(error), level="error")


def signature(paths: tuple[Path, ...]) -> Signature:
    """What tells one state of files from another: time of change, inode and size of each."""
    return tuple(map(_stamp, paths))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
