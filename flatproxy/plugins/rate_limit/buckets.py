"""Token buckets in memory: exact, atomic across threads, bounded in number.

Of a bucket one number is kept, the moment at which it will be full again. All times are in tokens (seconds times the
rate), so that taking one is adding 1, which loses nothing however often it is done.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable

    from flatproxy import CounterSeries, GaugeSeries, Metrics

# In tokens: seconds times the rate are not exact, and the last of a burst must not fail for that.
# It is part of the bound and not of each request, so it does not add up.
SLACK = 0.001
# Per new key: more than one, so that those of a past crowd are gone after a while.
LOOKED_AT = 2


class Buckets(Protocol):
    """Where tokens are taken from."""

    def take(self, key: Hashable, now: float) -> float:
        """Take one token at `now`, in seconds; returns how many are left. Negative: none was taken, so many are missing."""


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """What is told of the buckets of many keys."""

    keys: GaugeSeries
    evictions: CounterSeries

    @classmethod
    def declare(cls, metrics: Metrics) -> Bookkeeping:
        """Declare the metrics."""
        return cls(
            metrics.gauge("keys", "Buckets that are kept.").labelled(),
            metrics.counter(
                "evictions_total", "Buckets forgotten before they were full again: there were too many."
            ).labelled(),
        )


class OneBucket:
    """The bucket that all share."""

    def __init__(self, rate: float, capacity: int) -> None:
        self._rate = rate
        self._room = capacity - 1
        self._full_at = 0.0
        self._lock = threading.Lock()

    def take(self, key: Hashable, now: float) -> float:  # noqa: ARG002 -- it is the same for all
        """Take one token."""
        now *= self._rate
        with self._lock:
            full_at = self._full_at
            if full_at < now:  # noqa: PLR1730 -- max() takes longer than all the rest
                full_at = now
            left = self._room - (full_at - now)
            if left < -SLACK:
                return left
            self._full_at = full_at + 1
        return left if left > 0 else 0.0


class ManyBuckets:
    """A bucket for each key, at most `most` of them; forgotten first is the one that was not asked for the longest."""

    def __init__(self, rate: float, capacity: int, most: int, told: Bookkeeping) -> None:
        self._rate = rate
        self._room = capacity - 1
        self._most = most
        self._told = told
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()
        # One for all: it is held for less time than it takes to find out which of several to take.
        self._lock = threading.Lock()

    def take(self, key: Hashable, now: float) -> float:
        """Take one token."""
        now *= self._rate
        with self._lock:
            full_at = self._full_at.get(key)
            if full_at is None:
                return self._begin(key, now)
            # Also for who is refused: who keeps asking must not be forgotten for it.
            self._full_at.move_to_end(key)
            if full_at < now:  # noqa: PLR1730 -- as above
                full_at = now
            left = self._room - (full_at - now)
            if left < -SLACK:
                return left
            self._full_at[key] = full_at + 1
        return left if left > 0 else 0.0

    def _begin(self, key: Hashable, now: float) -> float:
        """Fill a new bucket, and forget one or two that nobody needs, or the oldest where there are too many."""
        buckets = self._full_at
        for _ in range(LOOKED_AT):
            oldest = next(iter(buckets), None)
            if oldest is None or buckets[oldest] > now:
                break
            del buckets[oldest]
        if len(buckets) >= self._most:
            buckets.popitem(last=False)
            self._told.evictions.add()
        buckets[key] = now + 1
        self._told.keys.set(len(buckets))
        return self._room
