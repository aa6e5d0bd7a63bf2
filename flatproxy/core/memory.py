"""Gives memory back to the system that nobody uses any more.

The allocator of glibc keeps what is freed for whoever asks next: after a peak, or an attack, the process would stay as
large as it ever was.
"""

import ctypes
import threading
import time

# 0.1 ms each time when there is nothing to give back, some 6 ms for 50 MiB; data threads that allocate may wait for it.
INTERVAL_SECONDS = 5.0


def give_back_unused(interval_seconds: float = INTERVAL_SECONDS) -> None:
    """From now on, on a thread of its own; other C libraries than glibc do it by themselves, or not at all."""
    try:
        trim = ctypes.CDLL(None).malloc_trim  # malloc_trim(3)
    except (AttributeError, OSError):
        return

    def run() -> None:
        while True:
            time.sleep(interval_seconds)
            trim(0)

    threading.Thread(target=run, name="memory", daemon=True).start()
