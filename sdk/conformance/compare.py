"""What is different between how an exchange had to go and how it went, in sentences. Runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdk.conformance.golden import Content, ExpectedMessage, Golden, Lines, octets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdk.conformance.golden import ExpectedAttempt
    from sdk.conformance.kind import Played, Sent

LONGEST_SHOWN = 200


def differences(golden: Golden, played: Played) -> list[str]:
    """Say what did not go as expected; nothing when all did."""
    return [*_ending(golden, played), *_response(golden, played), *_attempts(golden, played)]


def _ending(golden: Golden, played: Played) -> Iterator[str]:
    expect = golden.expect
    yield from _same("flag", expect.flag, played.flag)
    yield from _same("closed", expect.closed, played.closed)
    if expect.waited is not None and abs(expect.waited - played.waited) > 1e-6:
        yield from _same("seconds waited", expect.waited, played.waited)
    if expect.log is not None:
        yield from _same("log", list(expect.log), list(played.log))
    for name, counters in expect.counters.items():
        for counter, wanted in counters.items():
            yield from _same(
                f"counter {counter} of {name}", wanted, played.counters.get(name, {}).get(counter)
            )


def _response(golden: Golden, played: Played) -> Iterator[str]:
    wanted = golden.expect.response
    if wanted.status is not None:
        yield from _same("response: status", wanted.status, played.status)
    yield from _message("response", wanted, played)


def _attempts(golden: Golden, played: Played) -> Iterator[str]:
    wanted = golden.expect.attempts
    if len(wanted) != len(played.attempts):
        yield f"attempts: expected {len(wanted)}, got {len(played.attempts)}"
        return
    for number, (expected, sent) in enumerate(zip(wanted, played.attempts, strict=True), 1):
        yield from _attempt(f"attempt {number}", expected, sent)


def _attempt(what: str, wanted: ExpectedAttempt, sent: Sent) -> Iterator[str]:
    for part in ("method", "path", "query", "host"):
        # Only what is written: `query: null` asks for none at all.
        if part in wanted.model_fields_set:
            yield from _same(f"{what}: {part}", getattr(wanted, part), getattr(sent, part))
    yield from _message(what, wanted, sent)


def _message(what: str, wanted: ExpectedMessage, got: Sent | Played) -> Iterator[str]:
    for name, value in wanted.headers.items():
        there = [held for known, held in got.headers if known.lower() == name.lower()]
        yield from _same(f"{what}: header {name}", _values(value), there)
    if wanted.lines is not None:
        yield from _same(f"{what}: lines", _lines(wanted.lines), list(got.headers))
    if wanted.body is not None:
        yield from _same(f"{what}: body", octets(wanted.body), got.body)
    if wanted.trailers is not None:
        yield from _same(f"{what}: trailers", _lines(wanted.trailers), list(got.trailers))


def _lines(lines: Lines) -> list[tuple[str, bytes]]:
    return [(name, octets(value)) for name, value in lines]


def _values(value: Content | tuple[Content, ...] | None) -> list[bytes]:
    if value is None:
        return []
    return [octets(one) for one in value] if isinstance(value, tuple) else [octets(value)]


def _same(what: str, wanted: object, got: object) -> Iterator[str]:
    if wanted != got:
        yield f"{what}: expected {_shown(wanted)}, got {_shown(got)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}... ({len(text)} characters)"
