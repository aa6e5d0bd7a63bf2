"""B3, as Zipkin has it: `b3` in one header, or `x-b3-*` in several (https://github.com/openzipkin/b3-propagation)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flatproxy.plugins.tracing.context import DEBUG, NOBODY, SAMPLED, Caller, single

if TYPE_CHECKING:
    from flatproxy import Headers

ONE = "b3"
TRACE_ID, SPAN_ID, PARENT_ID = "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid"
DECISION, FLAGS = "x-b3-sampled", "x-b3-flags"

# A trace id of 64 bits is one of 128 with zeros in front; zeros alone are no id.
_TRACE = r"(?!0+(?![0-9a-f]))([0-9a-f]{16}|[0-9a-f]{32})"
_SPAN = r"(?!0{16})([0-9a-f]{16})"
_IDS = re.compile(rf"{_TRACE}-{_SPAN}(?:-([01d])(?:-[0-9a-f]{{16}})?)?")
_TRACE_ALONE, _SPAN_ALONE = re.compile(_TRACE), re.compile(_SPAN)
_DECISIONS = {"0": False, "1": True, "d": True}
_WORDS = {"0": False, "1": True, "false": False, "true": True}  # older senders write the word


# === one header ===


def read(headers: Headers) -> Caller | None:
    """Read `b3`."""
    value = single(headers, ONE)
    if value is None:
        return None
    if match := _IDS.fullmatch(value):
        trace_id, span_id, decision = match.groups()
        return _caller(trace_id, span_id, _DECISIONS.get(decision), DEBUG if decision == "d" else 0)
    if value in _DECISIONS:
        return _decision(_DECISIONS[value], DEBUG if value == "d" else 0)
    return None


def write(headers: Headers, trace_id: str, span_id: str, flags: int, parent_id: str) -> None:
    """Write `b3`."""
    decision = "d" if flags & DEBUG else flags & SAMPLED
    headers[ONE] = f"{trace_id}-{span_id}-{decision}" + (f"-{parent_id}" if parent_id else "")


# === several headers ===


def read_several(headers: Headers) -> Caller | None:
    """Read `x-b3-traceid` and its like."""
    flags = DEBUG if single(headers, FLAGS) == "1" else 0
    sampled = True if flags else _WORDS.get(single(headers, DECISION) or "")
    trace_id, span_id = single(headers, TRACE_ID), single(headers, SPAN_ID)
    if trace_id is None and span_id is None:
        return None if sampled is None else _decision(sampled, flags)
    if trace_id and span_id and _TRACE_ALONE.fullmatch(trace_id) and _SPAN_ALONE.fullmatch(span_id):
        return _caller(trace_id, span_id, sampled, flags)
    return None


def write_several(headers: Headers, trace_id: str, span_id: str, flags: int, parent_id: str) -> None:
    """Write `x-b3-traceid` and its like."""
    headers[TRACE_ID] = trace_id
    headers[SPAN_ID] = span_id
    _set(headers, PARENT_ID, parent_id)
    # Debug implies the decision, which is then not to be sent.
    _set(headers, DECISION, "" if flags & DEBUG else str(flags & SAMPLED))
    _set(headers, FLAGS, "1" if flags & DEBUG else "")


def _set(headers: Headers, name: str, value: str) -> None:
    if value:
        headers[name] = value
    else:
        headers.remove(name)


def _caller(trace_id: str, span_id: str, sampled: bool | None, flags: int) -> Caller:  # noqa: FBT001 -- it has three values
    # Whoever left the decision to us is to be told of it further down.
    return Caller(trace_id.zfill(32), span_id, sampled, flags, intact=sampled is not None)


def _decision(sampled: bool, flags: int) -> Caller:  # noqa: FBT001
    return NOBODY._replace(sampled=sampled, flags=NOBODY.flags | flags)
