"""Python code that another thread runs is ended from outside, also where it catches every Exception."""

import threading

import pytest

from flatproxy.core.filters.interrupt import PhaseTimeoutError, interrupt


@pytest.fixture
def endless():
    """A thread in a loop that swallows what it can; what ended it stands in the list."""
    began, ended = threading.Event(), []

    def loop():
        while True:
            try:
                while True:
                    began.set()
            except Exception:  # noqa: BLE001  that is what is tried
                continue

    def run():
        try:
            loop()
        except PhaseTimeoutError as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert began.wait(20)
    return thread, ended


def test_a_loop_is_ended(endless):
    thread, ended = endless
    interrupt(thread.ident)
    thread.join(20)
    assert len(ended) == 1, "the error should be raised in the thread that loops"
