"""Which core runs what: proxy first, the rest for load and service."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Cores:
    """Lists as taskset takes them."""

    proxy: str
    load: str

    @property
    def shared(self) -> bool:
        """Whether proxy and load run on the same cores, for want of more."""
        return self.proxy == self.load


def lay_out(workers: int, count: int | None = None) -> Cores:
    """One core per worker of the proxy, the others for load and service; all shared where that leaves none."""
    count = count or os.cpu_count() or 1
    if workers >= count:
        return Cores(f"0-{count - 1}", f"0-{count - 1}")
    return Cores(_list(0, workers - 1), _list(workers, count - 1))


def _list(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
