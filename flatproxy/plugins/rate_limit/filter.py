"""Takes a token for each request, and answers in place of the upstream when there is none."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from flatproxy import Counter, CounterSeries, Exchange, Filter, Host, Respond
from flatproxy.plugins.rate_limit.buckets import Bookkeeping, Buckets, ManyBuckets, OneBucket
from flatproxy.plugins.rate_limit.fields import Fields
from flatproxy.plugins.rate_limit.keys import key_of
from flatproxy.plugins.rate_limit.options import RateLimitOptions
from flatproxy.plugins.rate_limit.redis_buckets import RedisBuckets

if TYPE_CHECKING:
    from collections.abc import Hashable

# Whoever floods a route must not flood the log too.
SECONDS_BETWEEN_LINES = 10.0
_UNCOUNTED = Respond(503, "requests cannot be counted now\n", headers={"retry-after": "1"})


class RateLimit(Filter):
    """Lets in so many requests a second, for each key; the others are told when to come again."""

    name = "rate_limit"
    Options = RateLimitOptions
    options: RateLimitOptions
    _buckets: Buckets
    _decisions: Counter
    _allowed: CounterSeries

    def __init__(self, options: RateLimitOptions) -> None:
        super().__init__(options)
        self._key_of = key_of(options.key)
        self._fields = Fields(options)
        self._shows = options.headers == "all"
        self._lines = Lines()
        self._redis = RedisBuckets(options.redis, options.rate, options.capacity) if options.redis else None
        if self._redis is None:
            # An `async def` phase is a task on another thread, for every request; who asks nobody stays in line.
            self.on_request = self._at_once  # type: ignore[method-assign, assignment]
        if not self._shows:
            # A phase is a crossing per request.
            self.phases = type(self).phases - {"on_response"}

    def open(self, host: Host) -> None:
        """Declare the metrics. Raises OSError or ValueError for files of Redis that are not good."""
        self._decisions = host.metrics.counter(
            "decisions_total", "Requests: allow, limit, would_limit, uncounted, refuse.", ("decision",)
        )
        self._allowed = self._decisions.labelled(decision="allow")
        self._limited = self._decisions.labelled(decision="would_limit" if self.options.dry_run else "limit")
        rate, capacity = self.options.rate, self.options.capacity
        self._buckets = (
            ManyBuckets(rate, capacity, self.options.most_keys, Bookkeeping.declare(host.metrics))
            if self.options.key
            else OneBucket(rate, capacity)
        )
        if self._redis:
            self._redis.open(host, self.options.name)

    def close(self) -> None:
        """Let the connections to Redis go."""
        if self._redis:
            self._redis.close()

    # === phases ===

    async def on_request(self, exchange: Exchange) -> Respond | None:
        """Take a token in Redis; where it does not answer, do what `fail` says."""
        assert self._redis is not None, "without it the filter stays in line"
        key = self._key_of(exchange)
        left = await self._redis.take(key)
        return self._without_redis(exchange, key) if left is None else self._answer(exchange, left)

    def _at_once(self, exchange: Exchange) -> Respond | None:
        """Take a token here."""
        return self._answer(exchange, self._buckets.take(self._key_of(exchange), exchange.now))

    def on_response(self, exchange: Exchange) -> None:
        """Tell the client how many are left."""
        if exchange.state is not None:
            self._fields.add(exchange.response.headers, exchange.state)

    # === answers ===

    def _answer(self, exchange: Exchange, left: float) -> Respond | None:
        if left < 0:
            return self._limit(exchange, left)
        self._allowed.add()
        if self._shows:
            exchange.state = left
        return None

    def _limit(self, exchange: Exchange, left: float) -> Respond | None:
        self._limited.add()
        if count := self._lines.due(exchange.now):
            exchange.log.info(
                "would_limit" if self.options.dry_run else "limit",
                limit=self.options.name,
                requests=count,
                peer=exchange.peer.identity,
                address=exchange.peer.address,
                path=exchange.request.path,
            )
        return None if self.options.dry_run else self._fields.refusal(left)

    def _without_redis(self, exchange: Exchange, key: Hashable) -> Respond | None:
        assert self.options.redis is not None
        if self.options.redis.fail == "local":
            return self._answer(exchange, self._buckets.take(key, exchange.now))
        if self.options.redis.fail == "open" or self.options.dry_run:
            self._decisions.add(decision="uncounted")
            return None
        self._decisions.add(decision="refuse")
        return _UNCOUNTED


class Lines:
    """When to write a line about who came too often: the first at once, then one for all that came meanwhile."""

    def __init__(self) -> None:
        self._count = 0
        self._next = 0.0
        self._lock = threading.Lock()

    def due(self, now: float) -> int:
        """Count a request; returns of how many a line is due, or 0."""
        with self._lock:
            self._count += 1
            if now < self._next:
                return 0
            count, self._count, self._next = self._count, 0, now + SECONDS_BETWEEN_LINES
            return count
