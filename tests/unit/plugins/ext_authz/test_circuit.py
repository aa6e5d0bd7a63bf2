"""When a service is asked, and what of its answers is kept: the parts that decide, without any service."""

from flatproxy.plugins.ext_authz import memory
from flatproxy.plugins.ext_authz.answer import Decision
from flatproxy.plugins.ext_authz.circuit import Breaker
from flatproxy.plugins.ext_authz.memory import Memory
from flatproxy.plugins.ext_authz.options import Circuit
from flatproxy.plugins.ext_authz.question import Question


def opened(failures=2, at=10.0):
    breaker = Breaker(Circuit(failures=failures, pause="2s"))
    for _ in range(failures):
        breaker.failed(at)
    return breaker


def test_only_failures_in_a_row_open_it():
    breaker = Breaker(Circuit(failures=2, pause="2s"))
    assert not breaker.failed(0)
    breaker.answered()
    assert not breaker.failed(0)
    assert breaker.lets_ask(0)
    assert breaker.failed(0), "the second in a row opens it"
    assert not breaker.lets_ask(0)


def test_after_the_pause_one_question_tries_and_the_others_wait():
    breaker = opened()
    assert not breaker.lets_ask(11.9)
    assert breaker.lets_ask(12.0)
    assert not breaker.lets_ask(12.0), "one is enough"
    assert not breaker.failed(12.1), "it was open already"
    assert not breaker.lets_ask(14.0)
    assert breaker.lets_ask(14.1)
    assert breaker.answered(), "an answer closes it"
    assert breaker.lets_ask(14.1)


def test_a_try_that_is_never_heard_of_does_not_keep_it_open_for_ever():
    breaker = opened()
    assert breaker.lets_ask(12.0)
    assert breaker.lets_ask(14.0)


def test_memory_is_bounded_in_number_and_size(monkeypatch):
    monkeypatch.setattr(memory, "MOST", 2)
    kept = Memory(10)
    for number in range(3):
        kept.keep(b"%d" % number, Decision(), now=number)
    assert [kept.recall(b"%d" % number, 3) for number in range(3)] == [None, Decision(), Decision()]
    kept.keep(b"long", Decision(fields=((b"x-user", b"x" * 5000),)), now=3)
    assert kept.recall(b"long", 3) is None


def test_questions_that_only_look_alike_are_not_the_same():
    one = Question("GET", b"/a", ((b"x", b"yz"),))
    assert one.digest() == Question("GET", b"/a", ((b"x", b"yz"),)).digest()
    for other in (
        Question("GET", b"/a", ((b"xy", b"z"),)),
        Question("GET", b"/ax", ((b"yz", b""),)),
        Question("GETT", b"/a", ((b"x", b"yz"),)),
    ):
        assert one.digest() != other.digest()
