"""Phases that wait: on which thread, how many, and what becomes of them when nobody waits any more."""

import asyncio
import threading

import pytest

from flatproxy.core.filters.waiting import AsyncThread, Pool

WAIT_SECONDS = 20


class Ticket:
    """Takes the first word, as the native one does."""

    def __init__(self, cancelled=False):
        self.cancelled = cancelled
        self.said = []
        self._told = threading.Event()

    def done(self, verdict):
        self._tell(verdict)

    def failed(self, error):
        self._tell(error)

    def word(self):
        assert self._told.wait(WAIT_SECONDS), "the ticket should have been told something"
        return self.said[0]

    def _tell(self, word):
        self.said.append(word)
        self._told.set()


@pytest.fixture
def pool():
    pool = Pool(threads=2, most_queued=3)
    yield pool
    pool.close()


@pytest.fixture
def thread():
    thread = AsyncThread()
    yield thread
    thread.close()


def test_a_blocking_call_runs_on_a_thread_of_the_pool(pool):
    ticket = Ticket()
    assert pool.start(lambda: threading.current_thread().name, ticket)
    assert ticket.word().startswith("filter-")


def test_what_a_blocking_call_raises_is_told(pool):
    for error in (RuntimeError("no"), SystemExit(3)):
        ticket = Ticket()

        def fail(error=error):
            raise error

        pool.start(fail, ticket)
        assert ticket.word() is error
    ticket = Ticket()
    pool.start(lambda: 1, ticket)
    assert ticket.word() == 1, "the threads are still there"


def test_the_pool_is_bounded(pool):
    go_on = threading.Event()
    started = threading.Semaphore(0)

    def block():
        started.release()
        assert go_on.wait(WAIT_SECONDS)

    running = [Ticket() for _ in range(2)]
    for ticket in running:
        assert pool.start(block, ticket)
        assert started.acquire(timeout=WAIT_SECONDS)
    queued = [Ticket() for _ in range(3)]
    assert all(pool.start(lambda: 1, ticket) for ticket in queued)
    assert not pool.start(lambda: 1, Ticket()), "two run, three wait, and a fourth is told at once"
    go_on.set()
    assert [ticket.word() for ticket in queued] == [1, 1, 1]


def test_a_call_that_nobody_waits_for_is_not_begun(pool):
    called = []
    pool.start(lambda: called.append(1), Ticket(cancelled=True))
    last = Ticket()
    pool.start(lambda: None, last)
    last.word()
    assert called == []


def test_a_closed_pool_takes_nothing_and_leaves_nobody_waiting():
    pool = Pool(threads=1)
    go_on, began = threading.Event(), threading.Event()
    pool.start(lambda: (began.set(), go_on.wait(WAIT_SECONDS)), Ticket())
    assert began.wait(WAIT_SECONDS)
    waiting = Ticket()
    pool.start(lambda: None, waiting)
    go_on.set()
    pool.close()
    assert waiting.word() is None or isinstance(waiting.word(), RuntimeError)
    assert not pool.start(lambda: None, Ticket())


async def value(result):
    await asyncio.sleep(0)
    return result


def test_a_coroutine_runs_on_the_asyncio_thread(thread):
    ticket = Ticket()

    async def name():
        await asyncio.sleep(0)
        return threading.current_thread().name

    assert thread.start(name, ticket)
    assert ticket.word() == "filter-async"


def test_what_a_coroutine_raises_is_told(thread):
    async def fail(error):
        raise error

    for error in (RuntimeError("no"), SystemExit(3), asyncio.CancelledError()):
        ticket = Ticket()
        thread.start(lambda error=error: fail(error), ticket)
        assert ticket.word() is error
    ticket = Ticket()
    thread.start(lambda: value(1), ticket)
    assert ticket.word() == 1, "the thread is still there"


def test_what_is_no_coroutine_is_told(thread):
    ticket = Ticket()
    thread.start(lambda: 7, ticket)
    assert isinstance(ticket.word(), TypeError)


def test_many_wait_at_the_same_time(thread):
    gate = asyncio.Event()
    tickets = [Ticket() for _ in range(100)]

    async def wait(number):
        if number == 99:
            gate.set()
        await gate.wait()
        return number

    for number, ticket in enumerate(tickets):
        thread.start(lambda number=number: wait(number), ticket)
    assert [ticket.word() for ticket in tickets] == list(range(100)), (
        "each waits without holding up the others"
    )


def test_cancelling_ends_the_task(thread):
    began, ended = threading.Event(), threading.Event()

    async def wait():
        began.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    ticket = Ticket()
    thread.start(wait, ticket)
    assert began.wait(WAIT_SECONDS)
    ticket.cancelled = True
    thread.cancel(ticket)
    assert ended.wait(WAIT_SECONDS), "a call that nobody waits for must not go on for an hour"
    thread.cancel(ticket)
    thread.cancel(Ticket())


def test_a_coroutine_that_nobody_waits_for_is_not_begun(thread):
    called = []
    thread.start(lambda: called.append(1), Ticket(cancelled=True))
    last = Ticket()
    thread.start(lambda: value(None), last)
    last.word()
    assert called == []


def test_closing_ends_what_waits():
    thread = AsyncThread()
    ticket, began = Ticket(), threading.Event()

    async def wait():
        began.set()
        await asyncio.sleep(3600)

    thread.start(wait, ticket)
    assert began.wait(WAIT_SECONDS)
    thread.close()
    assert isinstance(ticket.word(), asyncio.CancelledError)
    assert not thread.start(lambda: value(1), Ticket())


def test_closing_what_never_began_is_nothing():
    AsyncThread().close()
    Pool().close()
