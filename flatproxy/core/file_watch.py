"""Sees when files that the plan was built from change: certificates, keys, authorities and lists of revocations.

The identity's own files have a watch of their own (`identity.watch`), which also renews what it issued itself.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from flatproxy.core import log
from flatproxy.core.identity import Signature, signature

POLL_SECONDS = 1.0


class FileWatch:
    """Calls `on_change` on its own thread when one of `paths` has changed, and has then rested for one look.

    `seen` is their `signature` from before they were read: what changed since then is news.
    """

    def __init__(
        self,
        paths: tuple[Path, ...],
        on_change: Callable[[], None],
        *,
        seen: Signature,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._paths = paths
        self._on_change = on_change
        self._seen = seen
        self._resting = seen
        self._poll_seconds = poll_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="files", daemon=True)

    def start(self) -> None:
        """Begin to watch; without any file there is nothing to do."""
        if self._paths:
            self._thread.start()

    def stop(self) -> None:
        """Stop watching. The thread ends by itself: it may be the one that calls."""
        self._stopped.set()

    def check(self) -> None:
        """Look once."""
        now_seen = signature(self._paths)
        # A certificate and its key are written one after the other: half of a pair is no news.
        rested, self._resting = now_seen == self._resting, now_seen
        if now_seen != self._seen and rested:
            self._seen = now_seen
            self._on_change()

    def _run(self) -> None:
        while not self._stopped.wait(self._poll_seconds):
            try:
                self.check()
            except Exception as error:  # noqa: BLE001  whatever it is, traffic goes on with what we have
                log.event("file_watch_failed", repr(error), level="error")
