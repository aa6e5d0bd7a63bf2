"""Verdicts: what they hold, and what cannot be said with them."""

import dataclasses
import math

import pytest

from flatproxy import Close, Respond, Retry


def test_text_becomes_bytes_with_its_type():
    answer = Respond(403, "näh")
    assert answer.body == "näh".encode()
    assert answer.headers == ((b"content-type", b"text/plain; charset=utf-8"),)


def test_bytes_and_nothing_have_no_type_of_their_own():
    assert Respond(200, b"\x00").headers == ()
    assert Respond(204).headers == ()


def test_a_type_that_is_given_stays():
    answer = Respond(200, "{}", headers={"Content-Type": "application/json", "X-A": b"\xff"})
    assert answer.headers == ((b"content-type", b"application/json"), (b"x-a", b"\xff"))


def test_pairs_may_repeat_a_name_and_keep_their_order():
    answer = Respond(200, headers=[("set-cookie", "a=1"), ("x", " y\t"), ("set-cookie", "b=2")])
    assert answer.headers == ((b"set-cookie", b"a=1"), (b"x", b"y"), (b"set-cookie", b"b=2"))


def test_bytes_that_are_no_text_survive_the_way_through_text():
    value = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert Respond(200, value, headers={"x": value}).headers[1] == (b"x", b"caf\xe9")


@pytest.mark.parametrize("status", [0, 100, 101, 199, 600, -1])
def test_only_final_statuses_are_answers(status):
    with pytest.raises(ValueError, match="from 200 to 599"):
        Respond(status)


@pytest.mark.parametrize("status", [True, "403", 403.0, None])
def test_a_status_is_a_whole_number(status):
    with pytest.raises(TypeError, match="whole number"):
        Respond(status)


@pytest.mark.parametrize("status", [204, 205, 304])
def test_some_answers_have_no_body(status):
    with pytest.raises(ValueError, match=f"status {status} has no body"):
        Respond(status, "x")


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\0b", "\x7f", b"a\rb"])
def test_a_value_cannot_break_out_of_its_line(value):
    with pytest.raises(ValueError, match="control character"):
        Respond(200, headers={"x": value})


@pytest.mark.parametrize("name", ["", "a b", ":status", "a\n", "ü", "a:"])
def test_a_name_is_a_token(name):
    with pytest.raises(ValueError, match="is no name of a header"):
        Respond(200, headers={name: "x"})


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "Connection", "host"])
def test_framing_belongs_to_the_core(name):
    with pytest.raises(ValueError, match="written by the proxy itself"):
        Respond(200, headers={name: "1"})


def test_neither_body_nor_values_are_guessed():
    with pytest.raises(TypeError, match="the body must be text or bytes"):
        Respond(200, {"a": 1})
    with pytest.raises(TypeError, match="the value of 'x' must be text or bytes"):
        Respond(200, headers={"x": 1})


@pytest.mark.parametrize("after", [-1, math.nan, math.inf, 3601])
def test_a_wait_is_finite_and_not_negative(after):
    with pytest.raises(ValueError, match="from 0 to 3600 seconds"):
        Retry(after)


def test_a_wait_is_seconds():
    assert Retry(1).after == 1.0
    assert Retry() == Retry(after=0)
    with pytest.raises(TypeError, match="number of seconds"):
        Retry("1s")


def test_verdicts_are_values():
    assert Respond(403, "a") == Respond(403, "a")
    assert Close() == Close()
    with pytest.raises(dataclasses.FrozenInstanceError):
        Retry().after = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        Respond(200).status = 201
