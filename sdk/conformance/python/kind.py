"""Plays golden exchanges with filters in Python, through `flatproxy.api.testing.drive`."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from flatproxy.api.testing import Attempt, Driven, Fails, Peer, Reply, Request, drive
from sdk.conformance.golden import Breaks, Lines, octets, pieces
from sdk.conformance.kind import Played, Sent
from sdk.conformance.python import answers, bodies, failing, headers, watching

if TYPE_CHECKING:
    from flatproxy import Filter
    from sdk.conformance.golden import Golden, Replies
    from sdk.conformance.kind import Lines as Got

FILTERS: dict[str, type[Filter]] = {
    kind.name: kind for module in (answers, bodies, failing, headers, watching) for kind in module.FILTERS
}
_SAMPLE = re.compile(r"^flatproxy_filter_(\w+)\{.*\} (\S+)$", re.MULTILINE)


class PythonKind:
    """Filters in Python."""

    name = "python"
    filters = frozenset(FILTERS)

    def play(self, golden: Golden) -> Played:
        """Make the filters anew, and send the exchange through them."""
        made = [_made(FILTERS[use.use], use.options) for use in golden.filters]
        asked = golden.request
        driven = drive(
            *made,
            request=Request(
                path=asked.path,
                method=asked.method,
                headers=_lines(asked.headers),
                body=pieces(asked.body),
                host=asked.host,
                query=asked.query,
                trailers=_lines(asked.trailers),
            ),
            peer=Peer(**golden.peer.model_dump()),
            upstream=[_answer(answer) for answer in golden.upstream],
            fail=golden.fail,
            timeout=golden.timeout,
        )
        return _played(driven)


# === the script ===


def _made(kind: type[Filter], options: dict[str, object]) -> Filter:
    return kind(kind.Options.model_validate(options))


def _answer(answer: Replies | Breaks) -> Reply | Fails:
    if isinstance(answer, Breaks):
        return Fails(answer.fails)
    return Reply(
        status=answer.status,
        headers=_lines(answer.headers),
        body=pieces(answer.body),
        trailers=_lines(answer.trailers),
        after=answer.after,
    )


def _lines(lines: Lines) -> list[tuple[str, bytes]]:
    return [(name, octets(value)) for name, value in lines]


# === how it went ===


def _played(driven: Driven) -> Played:
    return Played(
        status=driven.response.status,
        headers=_got(driven.response.headers),
        body=driven.response.body,
        attempts=tuple(map(_sent, driven.attempts)),
        trailers=_got(driven.response.trailers),
        flag=driven.flag,
        detail=driven.detail,
        closed=driven.closed,
        waited=driven.waited,
        log=tuple(f"{line.level} {line.message}" for line in driven.log),
        counters=_counters(driven.metrics),
    )


def _sent(sent: Attempt) -> Sent:
    return Sent(
        method=sent.method,
        host=sent.host,
        path=sent.path,
        query=sent.query,
        headers=_got(sent.headers),
        body=sent.body,
        trailers=_got(sent.trailers),
    )


def _got(lines: tuple[tuple[str, str], ...]) -> Got:
    return tuple((name, value.encode("utf-8", "surrogateescape")) for name, value in lines)


def _counters(metrics: str) -> dict[str, dict[str, float]]:
    """Read the samples of the admin address back: `flatproxy_filter_count_pieces_total{...} 3`."""
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for sample, value in _SAMPLE.findall(metrics):
        for name in FILTERS:
            if sample.startswith(f"{name}_"):
                found[name][sample.removeprefix(f"{name}_")] = float(value)
    return dict(found)
