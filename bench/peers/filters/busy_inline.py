"""A filter that computes for 2 ms with every request, on the data thread: what nobody should write, measured for comparison."""

import time

from flatproxy import Exchange, Filter

BUSY_SECONDS = 0.002


class BusyInline(Filter):
    """Holds up its data thread."""

    name = "bench.busy_inline"

    def on_request(self, _exchange: Exchange) -> None:
        """Compute, without letting the interpreter go."""
        end = time.thread_time() + BUSY_SECONDS
        while time.thread_time() < end:
            pass
