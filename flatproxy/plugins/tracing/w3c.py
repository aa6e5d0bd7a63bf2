"""`traceparent` and `tracestate`: W3C Trace Context, Level 1 and 2 (https://www.w3.org/TR/trace-context-2/)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flatproxy.plugins.tracing.context import RANDOM, SAMPLED, Caller

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flatproxy import Headers

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
MOST_MEMBERS = 32  # section 3.3.1.1
_FLAGS = SAMPLED | RANDOM

State = tuple[tuple[str, str], ...]

# Zeros are no id, and ff is no version; from a version later than 00 more may follow after a dash (sections 3.2.2 and 4.3).
_PARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL
)
# Section 3.3.1.3: the key as Level 2 has it, which takes all of Level 1; a value does not end in a space.
_MEMBER = re.compile(r"([a-z0-9][a-z0-9_\-*/@]{0,255})=([ -+\--<>-~]{0,255}[!-+\--<>-~])")


def read(headers: Headers) -> Caller | None:
    """Read `traceparent`; None: there is none, or it is not to be believed, and with it no `tracestate`."""
    values = headers.get_all(TRACEPARENT)
    match = _PARENT.fullmatch(values[0]) if len(values) == 1 else None
    if match is None:
        return None
    version, trace_id, span_id, written, more = match.groups()
    if more is not None and version == "00":
        return None
    flags = int(written, 16)
    # Flags that are reserved are set to zero, and a later version goes on as the one that we know (sections 3.2.2.5, 4.3).
    intact = flags <= _FLAGS and version == "00"
    return Caller(trace_id, span_id, flags & SAMPLED == SAMPLED, flags & RANDOM, intact)


def write(headers: Headers, trace_id: str, span_id: str, flags: int, _parent_id: str) -> None:
    """Write `traceparent`."""
    headers[TRACEPARENT] = f"00-{trace_id}-{span_id}-0{flags & _FLAGS}"


def state(lines: Iterable[str]) -> State | None:
    """Split the lines of `tracestate` into its members; None: it breaks the rules, and nobody should get it."""
    members: dict[str, str] = {}
    for part in ",".join(lines).split(","):
        # Empty members are allowed, and blanks around each (section 3.3.1.2).
        if text := part.strip(" \t"):
            match = _MEMBER.fullmatch(text)
            if match is None or match[1] in members:
                return None
            members[match[1]] = match[2]
    return tuple(members.items()) if len(members) <= MOST_MEMBERS else None
