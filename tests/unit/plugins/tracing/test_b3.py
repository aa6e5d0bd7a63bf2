"""B3 in one header and in several: ids, decisions, and what is neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flatproxy.plugins.tracing import b3
from flatproxy.plugins.tracing.context import DEBUG, RANDOM, SAMPLED
from tests.unit.plugins.stand_ins import Fields

TRACE, SPAN, ABOVE = "80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1", "05e3ac9a4f6e3b90"


def one(*values):
    return b3.read(Fields(*(("b3", value) for value in values)))


def several(**values):
    return b3.read_several(Fields(*((f"X-B3-{name}", value) for name, value in values.items())))


@pytest.mark.parametrize(
    ("text", "sampled", "flags"),
    [
        (f"{TRACE}-{SPAN}-1", True, 0),
        (f"{TRACE}-{SPAN}-0", False, 0),
        (f"{TRACE}-{SPAN}-d", True, DEBUG),
        (f"{TRACE}-{SPAN}-1-{ABOVE}", True, 0),
    ],
)
def test_one_header_has_ids_and_a_decision(text, sampled, flags):
    caller = one(text)
    assert (caller.trace_id, caller.span_id) == (TRACE, SPAN)
    assert (caller.sampled, caller.flags, caller.intact) == (sampled, flags, True)


def test_who_sends_ids_alone_leaves_the_decision_to_us():
    for caller in (one(f"{TRACE}-{SPAN}"), several(TraceId=TRACE, SpanId=SPAN)):
        assert (caller.trace_id, caller.sampled) == (TRACE, None)
        assert not caller.intact, "the upstream should be told the decision"


def test_a_trace_id_of_64_bits_gets_zeros_in_front():
    assert one(f"{TRACE[16:]}-{SPAN}-1").trace_id == "0" * 16 + TRACE[16:]
    assert several(TraceId=TRACE[16:], SpanId=SPAN, Sampled="1").trace_id == "0" * 16 + TRACE[16:]


@pytest.mark.parametrize(("text", "sampled", "flags"), [("0", False, 0), ("1", True, 0), ("d", True, DEBUG)])
def test_a_decision_may_come_alone(text, sampled, flags):
    caller = one(text)
    assert (caller.trace_id, caller.span_id, caller.sampled) == ("", "", sampled)
    assert caller.flags == flags | RANDOM, "the trace id will be one of ours"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "2",
        "-",
        f"{TRACE}",
        f"{TRACE}-{SPAN}-2",
        f"{TRACE}-{SPAN}-",
        f"{TRACE}-{SPAN}-1-",
        f"{TRACE}-{SPAN}-1-{ABOVE}-x",
        f"{TRACE.upper()}-{SPAN}-1",
        f"{'0' * 32}-{SPAN}-1",
        f"{'0' * 16}-{SPAN}-1",
        f"{TRACE}-{'0' * 16}-1",
        f"{TRACE[1:]}-{SPAN}-1",
        f"{TRACE}-{SPAN[1:]}-1",
        f"{TRACE}-{SPAN}-1\n",
    ],
)
def test_what_is_malformed_is_not_there(bad):
    assert one(bad) is None


def test_two_headers_are_none():
    assert one("0", "1") is None
    assert one() is None


@pytest.mark.parametrize(
    ("values", "sampled", "flags"),
    [
        ({"Sampled": "1"}, True, 0),
        ({"Sampled": "0"}, False, 0),
        ({"Sampled": "true"}, True, 0),
        ({"Sampled": "false"}, False, 0),
        ({"Flags": "1"}, True, DEBUG),
        ({"Flags": "1", "Sampled": "0"}, True, DEBUG),
        ({"Flags": "0", "Sampled": "0"}, False, 0),
        ({"Sampled": "yes"}, None, 0),
    ],
)
def test_several_headers_have_ids_and_a_decision(values, sampled, flags):
    caller = several(TraceId=TRACE, SpanId=SPAN, ParentSpanId=ABOVE, **values)
    assert (caller.trace_id, caller.span_id, caller.sampled, caller.flags) == (TRACE, SPAN, sampled, flags)
    alone = several(**values)
    assert (alone.sampled if alone else None) == sampled
    assert alone is None or alone.trace_id == ""


@pytest.mark.parametrize(
    "values",
    [
        {"TraceId": TRACE},
        {"SpanId": SPAN},
        {"TraceId": TRACE.upper(), "SpanId": SPAN},
        {"TraceId": "0" * 32, "SpanId": SPAN},
        {"TraceId": TRACE, "SpanId": "0" * 16},
        {"TraceId": TRACE, "SpanId": ""},
        {"TraceId": TRACE + "0", "SpanId": SPAN},
    ],
)
def test_half_of_the_ids_are_none(values):
    assert several(Sampled="1", **values) is None


@given(st.text(max_size=80))
def test_no_text_is_a_surprise(text):
    caller = one(text)
    assert caller is None or len(caller.trace_id) in (0, 32)


@pytest.mark.parametrize("flags", [0, SAMPLED, SAMPLED | DEBUG])
@pytest.mark.parametrize("above", ["", ABOVE])
def test_what_is_written_is_read(flags, above):
    single = Fields(("b3", "old"))
    many = Fields(("X-B3-ParentSpanId", "old"), ("x-b3-flags", "1"), ("x-b3-sampled", "0"))
    b3.write(single, TRACE, SPAN, flags, above)
    b3.write_several(many, TRACE, SPAN, flags, above)
    assert single["b3"].count("-") == (3 if above else 2)
    assert many.get("x-b3-parentspanid", "") == above
    assert (many.get("x-b3-sampled") is None) == bool(flags & DEBUG), "debug says it all"
    for caller in (b3.read(single), b3.read_several(many)):
        assert (caller.trace_id, caller.span_id) == (TRACE, SPAN)
        assert (caller.sampled, caller.flags) == (bool(flags & SAMPLED), flags & DEBUG)
