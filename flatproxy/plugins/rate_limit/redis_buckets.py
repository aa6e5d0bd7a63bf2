"""Token buckets in Redis, which all nodes take from: one script per request, a time-out, and a circuit for when it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flatproxy.plugins.rate_limit.circuit import Circuit
from flatproxy.plugins.rate_limit.keys import digest
from flatproxy.plugins.rate_limit.refusals import Refusals

if TYPE_CHECKING:
    from collections.abc import Hashable

    from flatproxy import Host
    from flatproxy.plugins.rate_limit.options import RedisOptions

MICRO = 1_000_000
LONGEST_WHY = 200
# One number comes back, in millionths of a token: what is left, or, negative, what is missing.
# The clock is that of the server, so that those of the nodes may differ. One that is set back refills nothing, and counts on from
# where it is now. What is refused writes nothing. A bucket is forgotten when it is full.
SCRIPT = """\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local rate, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local tokens, since = capacity, now
local kept = redis.call('GET', KEYS[1])
if kept then
  local text, at = string.match(kept, '^(%S+) (%S+)$')
  since = tonumber(at)
  tokens = math.min(capacity, tonumber(text) + math.max(0, now - since) * rate / 1000000)
end
local left = tonumber(tokens) - 1
local refused = left < -0.001
if refused and now >= since then
  return math.floor(left * 1000000)
end
local keep = refused and tokens or left
local life = math.ceil((capacity - keep) * 1000 / rate) + 1000
redis.call('SET', KEYS[1], string.format('%.6f %.0f', keep, now), 'PX', string.format('%.0f', life))
return math.floor((refused and left or math.max(0, left)) * 1000000)
"""
_SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


class RedisBuckets:
    """Takes from the bucket of a key, or says that nobody can tell now. Asked on one asyncio loop."""

    def __init__(self, options: RedisOptions, rate: float, capacity: int) -> None:
        self._options = options
        self._arguments = (repr(rate), str(capacity))
        self._timeout = options.timeout.total_seconds()
        self._circuit = Circuit(options.failures, options.pause.total_seconds())
        self._refusals = Refusals(rate)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._host: Host
        self._client: Any

    def open(self, host: Host, name: str) -> None:
        """Make the client, which connects when it is first needed. Raises OSError or ValueError for its password or certificates."""
        self._host = host
        self._where = _without_secrets(self._options.url)
        self._prefix = f"{self._options.prefix}:{host.listener}:{host.route}:{name}:"
        self._failures = host.metrics.counter(
            "redis_failures_total",
            "Requests that Redis did not count: timeout, connection, answer.",
            ("reason",),
        )
        self._openings = host.metrics.counter(
            "redis_circuit_openings_total", "How often Redis was left alone after failures."
        )
        self._open = host.metrics.gauge(
            "redis_circuit_open", "1 while Redis is left alone after failures."
        ).labelled()
        self._client = _client(self._options)

    def close(self) -> None:
        """Let the connections go."""
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it has just ended, and the connections with it
                self._loop.call_soon_threadsafe(self._leave, self._loop)

    async def take(self, key: Hashable) -> float | None:
        """Take one token; returns what is left, negative what is missing, None when Redis does not say."""
        now = self._host.now()
        if missing := self._refusals.missing(key, now):
            return -missing
        if not self._circuit.admits(now):
            return None
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                left = await self._ask(self._prefix + digest(key))
        except asyncio.CancelledError:
            # The client went away, or the filter's own time-out is the shorter one.
            self._circuit.gave_up()
            raise
        except Exception as error:  # noqa: BLE001 -- whatever a network or a server does
            self._fail(error)
            return None
        if self._circuit.succeeded():
            self._open.set(0)
            self._host.log.info("redis answers again", redis=self._where)
        if left < 0:
            # From when it was asked: the script ran later, so that nobody is refused for longer than by Redis itself.
            self._refusals.add(key, -left, now)
        return left

    async def _ask(self, name: str) -> float:
        from redis.exceptions import NoScriptError

        try:
            left = await self._client.evalsha(_SHA, 1, name, *self._arguments)
        except NoScriptError:
            # It was started anew, or somebody flushed its scripts; EVAL keeps it for the next.
            left = await self._client.eval(SCRIPT, 1, name, *self._arguments)
        return int(left) / MICRO

    def _fail(self, error: Exception) -> None:
        reason = _reason(error)
        self._failures.add(reason=reason)
        if self._circuit.failed(self._host.now()):
            self._openings.add()
            self._open.set(1)
            self._host.log.warning(
                "redis is left alone",
                redis=self._where,
                why=f"{type(error).__name__}: {error}"[:LONGEST_WHY] if str(error) else reason,
                seconds=self._options.pause.total_seconds(),
                fail=self._options.fail,
            )

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        # Kept here: a task that nobody holds can be collected while it runs.
        self._leaving = loop.create_task(self._client.aclose())


# === the client ===


def _client(options: RedisOptions) -> Any:
    # Here: only who counts in Redis needs it, and it takes a while to load.
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    more: dict[str, Any] = {}
    if options.password_file is not None:
        more["password"] = _password(options)
    if options.ca is not None:
        options.ca.read_bytes()  # or the first request would be the one to find out
        more["ssl_ca_certs"] = str(options.ca)
    seconds = options.timeout.total_seconds()
    # The time-out of a request is kept by who asks; a try of its own would only make it longer.
    pool = BlockingConnectionPool.from_url(
        options.url,
        max_connections=options.connections,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        **more,
    )
    return Redis.from_pool(pool)


def _password(options: RedisOptions) -> str:
    assert options.password_file is not None
    password = options.password_file.read_text().partition("\n")[0].strip()
    if not password:
        raise ValueError(f"{options.password_file} has no password on its first line")
    return password


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or 6379}"


def _reason(error: Exception) -> str:
    from redis.exceptions import ConnectionError as NotConnected
    from redis.exceptions import TimeoutError as TooLate

    if isinstance(error, TimeoutError | TooLate):
        return "timeout"
    return "connection" if isinstance(error, OSError | NotConnected) else "answer"
