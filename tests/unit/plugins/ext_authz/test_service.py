"""The pool of connections to the service: bounded, kept alive, and whole again after questions that were given up."""

import asyncio

import pytest

from flatproxy.plugins.ext_authz.answer import NoAnswerError
from flatproxy.plugins.ext_authz.options import ExtAuthzOptions
from flatproxy.plugins.ext_authz.question import Question
from flatproxy.plugins.ext_authz.service import Service
from tests.e2e.stand.service import Service as RealService
from tests.e2e.stand.service import response

QUICK, SLOW = Question("GET", b"/quick", ()), Question("GET", b"/slow", ())


@pytest.fixture
def real():
    """Answers at once, but what is slow never."""

    async def behave(conversation):
        while request := await conversation.request():
            if request.path.endswith("/slow"):
                await conversation.ended()
            else:
                await conversation.send(response(b""))

    with RealService(behave) as service:
        yield service


@pytest.fixture
def serve_drops():
    """Sends the head of an answer letter by letter, for ever."""

    async def drip(conversation):
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\nx-a: ")
        while True:
            await conversation.send(b"a")
            await asyncio.sleep(0.005)

    with RealService(drip) as service:
        yield service


def asking(real, conversation, **options):
    """Runs a conversation with the service on a loop of its own."""
    service = Service(ExtAuthzOptions(url=f"http://{real.address}", **options))
    service.open()

    async def run():
        try:
            return await conversation(service)
        finally:
            await service._end(service._transport)

    return asyncio.run(run())


def test_connections_are_kept_and_no_more_than_allowed(real):
    async def conversation(service):
        return [await asyncio.gather(*(service.ask(QUICK) for _ in range(20))) for _ in range(3)]

    answers = asking(real, conversation, connections=3, timeout="10s")
    assert {answer.status for row in answers for answer in row} == {200}
    assert real.connections <= 3
    assert len(real.requests) == 60


def test_questions_that_run_out_of_time_give_their_places_back(real):
    async def conversation(service):
        for _ in range(5):
            slow = await asyncio.gather(*(service.ask(SLOW) for _ in range(7)), return_exceptions=True)
            assert [type(error) for error in slow] == [NoAnswerError] * 7, "those that waited for a place too"
        await asyncio.gather(*service._tasks, return_exceptions=True)
        return [await service.ask(QUICK) for _ in range(4)]

    answers = asking(real, conversation, connections=2, timeout="50ms")
    assert [answer.status for answer in answers] == [200] * 4


def test_questions_whose_client_has_left_give_their_places_back(real):
    async def conversation(service):
        for _ in range(5):
            tasks = [asyncio.ensure_future(service.ask(SLOW)) for _ in range(4)]
            await asyncio.sleep(0)  # each has begun, and none can be further
            for task in tasks:
                task.cancel()
            left = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(error) for error in left} == {asyncio.CancelledError}
        await asyncio.gather(*service._tasks, return_exceptions=True)
        return await service.ask(QUICK)

    assert asking(real, conversation, connections=2, timeout="100ms").status == 200


def test_a_service_that_drips_is_ended(serve_drops):
    async def conversation(service):
        with pytest.raises(NoAnswerError, match=r"within 0\.05 s"):
            await service.ask(QUICK)
        await asyncio.gather(*service._tasks, return_exceptions=True)
        return service._places.locked()

    assert asking(serve_drops, conversation, connections=1, timeout="50ms") is False


def test_the_end_of_the_filter_ends_what_is_under_way(real):
    async def conversation(service):
        with pytest.raises(NoAnswerError):
            await service.ask(SLOW)
        await service._end(service._transport)
        return len(service._tasks)

    assert asking(real, conversation, timeout="50ms") == 0
    assert real.connections == 1, "nothing is asked again when the connection ends"
