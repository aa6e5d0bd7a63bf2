"""Faults: how many, for whom, and in which order."""

import asyncio
import inspect

import pytest
from pydantic import ValidationError

from flatproxy.plugins.fault.filter import Fault
from flatproxy.plugins.fault.options import FaultOptions
from tests.unit.plugins.stand_ins import Told, exchange


@pytest.fixture
def slept(monkeypatch):
    """The delays, which take no time."""
    delays = []

    async def sleep(seconds):
        delays.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return delays


def fault(**options):
    made = Fault(FaultOptions.model_validate(options))
    made.open(Told())
    return made


def ask(made, *headers):
    """The status that a client gets, or None for: carry on."""
    answer = made.on_request(exchange("GET", "/", *headers))
    if inspect.iscoroutine(answer):
        answer = asyncio.run(answer)
    return answer.status if answer else None


def test_the_share_is_kept(slept):
    made = fault(abort={"share": "25%", "status": 418}, delay={"share": 50, "duration": "2s"})
    statuses = [ask(made) for _ in range(2000)]
    # Ten standard deviations on either side.
    assert abs(statuses.count(418) - 500) < 200
    assert abs(len(slept) - 1000) < 230
    assert set(slept) == {2.0}
    assert made._faults.amounts == {("abort",): statuses.count(418), ("delay",): len(slept)}


def test_all_and_none_are_exact(slept):
    made = fault(abort={}, delay={"share": 0, "duration": 1})
    assert {ask(made) for _ in range(500)} == {503}
    made = fault(abort={"share": 0}, delay={"duration": 1})
    assert {ask(made) for _ in range(500)} == {None}
    assert len(slept) == 500


def test_only_requests_with_the_header_meet_a_fault(slept):
    made = fault(abort={}, delay={"duration": 1}, header="X-Try-Fault")
    assert ask(made) is None
    assert ask(made, ("x-try-fault", "")) == 503
    assert len(slept) == 1


def test_who_never_waits_is_asked_in_line():
    """The core looks at the code of the method: an `async def` goes to another thread."""
    assert not fault(abort={}).on_request.__code__.co_flags & inspect.CO_COROUTINE
    assert (
        not fault(abort={}, delay={"share": 0, "duration": 1}).on_request.__code__.co_flags
        & inspect.CO_COROUTINE
    )
    assert fault(delay={"duration": 1}).on_request.__code__.co_flags & inspect.CO_COROUTINE


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs `delay`, `abort`, or both"),
        ({"abort": {"share": "101%"}}, "from 0% to 100%"),
        ({"abort": {"share": "half"}}, "must be a share such as 50% or 0.5%"),
        ({"abort": {"share": True}}, "must be a share"),
        ({"abort": {"share": -1}}, "must be a share"),
        ({"abort": {"status": 100}}, "200"),
        ({"delay": {}}, "duration"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ValidationError) as caught:
        FaultOptions.model_validate(options)
    assert said in str(caught.value)


def test_a_share_may_be_rarer_than_one_in_a_hundred():
    assert FaultOptions.model_validate({"abort": {"share": "0.01%"}}).abort.share == 0.01
