"""The order of reloads: one at a time, nobody forgotten."""

import pytest

from flatproxy.core.reloads import Reloads


class Played:
    def __init__(self):
        self.begun = 0
        self.answers = []
        self.reloads = Reloads(self.begin)

    def begin(self):
        self.begun += 1

    def ask(self, name):
        self.reloads.ask(lambda errors: self.answers.append((name, errors)))


@pytest.fixture
def play():
    played = Played()
    played.reloads.allow()
    return played


def test_a_reload_begins_at_once_and_answers_when_it_is_over(play):
    play.ask("a")
    assert (play.begun, play.answers) == (1, [])
    play.reloads.finished(["bad"])
    assert play.answers == [("a", ["bad"])]


def test_those_who_come_meanwhile_share_the_next_one(play):
    play.ask("a")
    play.ask("b")
    play.ask("c")
    assert play.begun == 1, "two reloads never run at once"
    play.reloads.finished([])
    assert (play.begun, play.answers) == (2, [("a", [])])
    play.reloads.finished(["bad"])
    assert play.answers[1:] == [("b", ["bad"]), ("c", ["bad"])]


def test_a_reload_waits_until_there_is_a_proxy():
    play = Played()
    play.ask("a")
    assert play.begun == 0
    play.reloads.allow()
    assert play.begun == 1


def test_a_death_answers_the_running_one_and_keeps_those_that_wait(play):
    play.ask("a")
    play.ask("b")
    play.reloads.interrupted("died")
    assert (play.answers, play.begun) == ([("a", ["died"])], 1)
    play.reloads.allow()
    assert play.begun == 2


def test_at_the_end_everybody_is_answered(play):
    play.ask("a")
    play.ask("b")
    play.reloads.refuse_all("stopping")
    assert play.answers == [("a", ["stopping"]), ("b", ["stopping"])]
    play.ask("c")
    assert play.begun == 1
