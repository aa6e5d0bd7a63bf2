"""Signals that end the demo: at once, or after what must not be cut in two."""

import os
import signal

import pytest

from flatproxy.cli.demo.interrupt import ENDING, Interrupts


@pytest.fixture
def interrupts():
    before = {number: signal.getsignal(number) for number in ENDING}
    yield Interrupts()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ENDING)
def test_each_of_them_interrupts(interrupts, number):
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_one_that_comes_while_held_counts_afterwards(interrupts):
    reached = []

    def start() -> None:
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert reached == ["the end"], "what is held is not cut in two"


def test_cleaning_up_is_not_interrupted(interrupts):
    interrupts.ignore()
    signal.raise_signal(signal.SIGINT)
