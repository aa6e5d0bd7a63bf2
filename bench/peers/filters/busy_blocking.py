"""A filter that computes for 2 ms with every request, and says so: it runs on the pool."""

import time

from flatproxy import Exchange, Filter

BUSY_SECONDS = 0.002


class BusyBlocking(Filter):
    """Holds up a thread of the pool, and whoever else wants the interpreter."""

    name = "bench.busy_blocking"
    blocking = True

    def on_request(self, _exchange: Exchange) -> None:
        """Compute, without letting the interpreter go."""
        end = time.thread_time() + BUSY_SECONDS
        while time.thread_time() < end:
            pass
