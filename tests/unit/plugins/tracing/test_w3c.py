"""`traceparent` and `tracestate`: what the specification takes and what it does not."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flatproxy.plugins.tracing import w3c
from flatproxy.plugins.tracing.context import RANDOM, SAMPLED
from tests.unit.plugins.stand_ins import Fields

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"
LOWER_HEX = "0123456789abcdef"


def read(*values):
    return w3c.read(Fields(*(("traceparent", value) for value in values)))


@pytest.mark.parametrize(
    ("flags", "sampled", "random"),
    [("00", False, 0), ("01", True, 0), ("02", False, RANDOM), ("03", True, RANDOM)],
)
def test_the_flags_of_both_levels_are_read_and_go_on_as_they_are(flags, sampled, random):
    caller = read(f"00-{TRACE}-{SPAN}-{flags}")
    assert (caller.trace_id, caller.span_id) == (TRACE, SPAN)
    assert (caller.sampled, caller.flags, caller.intact) == (sampled, random, True)


@pytest.mark.parametrize("flags", ["04", "05", "80", "ff"])
def test_flags_that_are_reserved_are_read_over_and_not_passed_on(flags):
    caller = read(f"00-{TRACE}-{SPAN}-{flags}")
    assert caller.sampled == bool(int(flags, 16) & 1)
    assert not caller.intact


@pytest.mark.parametrize("version", ["01", "cc", "fe"])
@pytest.mark.parametrize("more", ["", "-", "-what the future will be like"])
def test_a_later_version_is_read_as_the_one_that_is_known(version, more):
    caller = read(f"{version}-{TRACE}-{SPAN}-01{more}")
    assert (caller.trace_id, caller.sampled) == (TRACE, True)
    assert not caller.intact, "it goes on in our version"


@pytest.mark.parametrize(
    "bad",
    [
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        GOOD.upper(),
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"00-{TRACE}-{SPAN}-0A",
        f"0A-{TRACE}-{SPAN}-01",
        GOOD + "-",
        GOOD + "-01",
        GOOD + "1",
        GOOD[:-1],
        GOOD[1:],
        f"cc-{TRACE}-{SPAN}-01more",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{TRACE}-{SPAN[1:]}-01",
        f"00_{TRACE}_{SPAN}_01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f" {GOOD}",
        f"{GOOD} ",
        f"{GOOD}\n",
        f"{GOOD},{GOOD}",
        "00-٠af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "",
        "-",
        "\udcff" * 55,
    ],
)
def test_what_is_malformed_is_not_there(bad):
    assert read(bad) is None


def test_several_fields_are_none():
    assert read() is None
    assert read(GOOD, GOOD) is None


@given(st.text(max_size=80))
def test_no_text_is_a_surprise(text):
    caller = read(text)
    assert caller is None or len(caller.trace_id) == 32


@given(
    st.text(LOWER_HEX, min_size=32, max_size=32).filter(lambda text: text.strip("0")),
    st.text(LOWER_HEX, min_size=16, max_size=16).filter(lambda text: text.strip("0")),
    st.integers(0, 3),
)
def test_what_is_written_is_read(trace_id, span_id, flags):
    headers = Fields(("TraceParent", "old"), ("traceparent", "older"))
    w3c.write(headers, trace_id, span_id, flags, "")
    caller = w3c.read(headers)
    assert (caller.trace_id, caller.span_id, caller.intact) == (trace_id, span_id, True)
    assert (caller.sampled, caller.flags) == (bool(flags & SAMPLED), flags & RANDOM)


# === tracestate ===


def members(count):
    return ",".join(f"k{number}=v{number}" for number in range(count))


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (["a=1"], (("a", "1"),)),
        (["a=1,b=2"], (("a", "1"), ("b", "2"))),
        (["a=1", "b=2"], (("a", "1"), ("b", "2"))),
        ([" a=1 ,\tb=2\t", "", ",,"], (("a", "1"), ("b", "2"))),
        (["a= 1"], (("a", " 1"),)),
        (["t@v=x"], (("t@v", "x"),)),
        (["0-*/_=y:z"], (("0-*/_", "y:z"),)),
        ([f"{'k' * 256}={'v' * 256}"], (("k" * 256, "v" * 256),)),
        ([""], ()),
    ],
)
def test_members_keep_their_order(lines, state):
    assert w3c.state(lines) == state


@pytest.mark.parametrize(
    "bad",
    [
        "a",
        "a=",
        "=1",
        "A=1",
        "a=1=2",
        "a b=1",
        "a=\x7f",
        "a=é",
        "-a=1",
        "a=1,a=2",
        "k" * 257 + "=1",
        "a=" + "v" * 257,
    ],
)
def test_what_breaks_the_rules_is_nothing(bad):
    assert w3c.state([bad]) is None
    assert w3c.state(["z=1", bad]) is None


def test_there_may_be_32_members():
    assert len(w3c.state([members(32)])) == 32
    assert w3c.state([members(33)]) is None
    assert w3c.state([members(32), ", ,"]) is not None, "those that are empty do not count"


@given(st.lists(st.text(string.printable, max_size=30), max_size=5))
def test_no_state_is_a_surprise(lines):
    state = w3c.state(lines)
    assert state is None or all(key and value for key, value in state)
