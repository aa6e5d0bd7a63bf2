"""What a request says about its trace, in whatever format. Ids are lower-case hex, as all formats have them."""

from __future__ import annotations

from random import getrandbits
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from flatproxy import Headers

# What is said of a trace beside its ids. The first two are those of `traceparent`.
SAMPLED, RANDOM, DEBUG = 1, 2, 4
"""Somebody records it; all bits of its id are random; B3: record it whatever anybody else decides."""


class Caller(NamedTuple):
    """What the caller said."""

    trace_id: str
    """Empty: it only said whether to sample."""
    span_id: str
    """The span that this request is part of; empty with the trace id."""
    sampled: bool | None
    """None: it left that to us."""
    flags: int = 0
    """RANDOM, DEBUG."""
    intact: bool = True
    """What it sent may go on as it is: we would write the same."""


# An id that is drawn here is random in all its bits.
NOBODY = Caller("", "", None, RANDOM, intact=False)
"""Who says nothing of a trace."""


def new_trace_id() -> str:
    """Draw a trace id.

    No secret, so not from `secrets`, which asks the system each time. Zeros would be no id; they are drawn once in 2**128.
    """
    return f"{getrandbits(128):032x}"


def new_span_id() -> str:
    """Draw a span id."""
    return f"{getrandbits(64):016x}"


def single(headers: Headers, name: str) -> str | None:
    """Return the value of a header that is there exactly once."""
    values = headers.get_all(name)
    return values[0] if len(values) == 1 else None
