"""Phases that wait: `async def` on the one asyncio thread, those of blocking filters on a bounded pool.

The native core calls `start` from a data thread, which goes on at once. It gives a ticket, and takes the first word
about it, from any thread; after a time-out it calls `cancel`, and later words are not heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

THREADS = 4
MOST_QUEUED = 64
CLOSE_SECONDS = 1.0


class Ticket(Protocol):
    """Who waits for a verdict."""

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits any more."""

    def done(self, verdict: object) -> None:
        """Give the verdict."""

    def failed(self, error: BaseException) -> None:
        """Say what was raised."""


class Pool:
    """So many threads, and so many calls that wait for one; begun with the first call."""

    def __init__(self, threads: int = THREADS, most_queued: int = MOST_QUEUED) -> None:
        self._count = threads
        self._queue: queue.Queue[tuple[Callable[[], object], Ticket] | None] = queue.Queue(most_queued)
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False

    def start(self, call: Callable[[], object], ticket: Ticket) -> bool:
        """Queue a call; False when too many wait already."""
        if not self._threads:
            self._begin()
        if self._closed:
            return False
        try:
            self._queue.put_nowait((call, ticket))
        except queue.Full:
            return False
        return True

    def close(self) -> None:
        """Take no more. A call that runs is left to itself: nothing can end a thread that waits."""
        with self._lock:
            self._closed = True
        with contextlib.suppress(queue.Empty):
            while waiting := self._queue.get_nowait():
                waiting[1].failed(RuntimeError("FlatProxy is stopping"))
        for _ in self._threads:
            with contextlib.suppress(queue.Full):
                self._queue.put_nowait(None)
        for thread in self._threads:
            thread.join(CLOSE_SECONDS / self._count)

    def _begin(self) -> None:
        with self._lock:
            if self._threads or self._closed:
                return
            threads = [
                threading.Thread(target=self._run, name=f"filter-{number}", daemon=True)
                for number in range(self._count)
            ]
            for thread in threads:
                thread.start()
            self._threads = threads

    def _run(self) -> None:
        while (waiting := self._queue.get()) is not None:
            call, ticket = waiting
            if ticket.cancelled:
                continue
            try:
                ticket.done(call())
            except BaseException as error:  # noqa: BLE001 -- a stranger's code; its exit is not that of the thread
                ticket.failed(error)


class AsyncThread:
    """The asyncio thread; begun with the first call."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def start(self, call: Callable[[], Awaitable[object]], ticket: Ticket) -> bool:
        """Run a coroutine; False when the thread is closed."""
        return self._ask(lambda: self._begin(call, ticket))

    def cancel(self, ticket: Ticket) -> None:
        """End its task, if it runs."""
        if self._loop is not None:
            self._ask(lambda: self._cancel(ticket))

    def close(self) -> None:
        """Cancel every task, let each clean up for a moment, and end the thread."""
        with self._lock:
            self._closed = True
        if self._loop is not None and self._thread is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(2 * CLOSE_SECONDS)

    def _ask(self, callback: Callable[[], None]) -> bool:
        with self._lock:
            if self._closed:
                return False
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop,), name="filter-async", daemon=True
                )
                self._thread.start()
            self._loop.call_soon_threadsafe(callback)
        return True

    # === on the thread ===

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=CLOSE_SECONDS))
        loop.close()

    def _begin(self, call: Callable[[], Awaitable[object]], ticket: Ticket) -> None:
        if not ticket.cancelled and self._loop is not None:
            # Kept here: a task that nobody holds can be collected while it runs.
            self._tasks[id(ticket)] = self._loop.create_task(self._wait(call, ticket))

    def _cancel(self, ticket: Ticket) -> None:
        task = self._tasks.get(id(ticket))
        if task is not None:
            task.cancel()

    async def _wait(self, call: Callable[[], Awaitable[object]], ticket: Ticket) -> None:
        try:
            ticket.done(await call())
        except BaseException as error:  # noqa: BLE001 -- a stranger's code; its exit is not that of the thread
            ticket.failed(error)
        finally:
            del self._tasks[id(ticket)]


_pool = Pool()
_async = AsyncThread()


def start(call: Callable[[], Any], ticket: Ticket, blocking: bool) -> bool:  # noqa: FBT001 -- called natively, by position
    """Run `call` elsewhere and tell `ticket` how it went; it returns a coroutine unless it is `blocking`.

    False: it will not be run, because too many blocking calls wait already, or FlatProxy is stopping.
    """
    return _pool.start(call, ticket) if blocking else _async.start(call, ticket)


def cancel(ticket: Ticket) -> None:
    """Nobody waits for this ticket any more."""
    _async.cancel(ticket)


def close() -> None:
    """End the threads, with the process."""
    _async.close()
    _pool.close()
