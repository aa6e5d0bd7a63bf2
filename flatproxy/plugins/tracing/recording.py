"""What is kept of a sampled request: plain values, taken on the data thread, made into spans later and elsewhere (`spans`)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flatproxy.plugins.tracing.context import new_span_id

if TYPE_CHECKING:
    from flatproxy import Exchange, Failure
    from flatproxy.plugins.tracing.w3c import State

NANOSECONDS = 1_000_000_000


class Try:
    """One attempt at the upstream."""

    __slots__ = ("began", "ended", "endpoint", "flag", "number", "span_id", "status")

    def __init__(self, exchange: Exchange) -> None:
        attempt = exchange.attempt
        self.span_id = new_span_id()
        self.number = attempt.number
        self.endpoint = attempt.endpoint
        self.began = exchange.now
        self.ended: float | None = None
        self.flag = ""
        self.status: int | None = None


class Recording:
    """One exchange. Begun in `on_request`, ended in `on_done`; nobody changes it after that."""

    __slots__ = (
        "address", "agent", "attempts", "began", "duration", "ended", "endpoint", "filters", "flag", "flags", "host", "method",
        "now", "parent_id", "path", "peer", "port", "received", "route", "secure", "sent", "span_id", "state", "status",
        "trace_id", "tries", "upstream",
    )  # fmt: skip

    def __init__(
        self, trace_id: str, span_id: str, parent_id: str, flags: int, state: State, began: float
    ) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.flags = flags
        self.state = state
        self.began = began
        self.tries: list[Try] = []

    @property
    def spans(self) -> int:
        """How many spans it makes."""
        return 1 + len(self.tries)

    def try_failed(self, exchange: Exchange, failure: Failure) -> None:
        """Note how a try ended. One that found no connection begins here, too: `on_attempt` was not asked."""
        number = exchange.attempt.number
        one = next((one for one in self.tries if one.number == number), None)
        if one is None:
            one = Try(exchange)
            one.began = max((before.ended or self.began for before in self.tries), default=self.began)
            self.tries.append(one)
        one.ended, one.flag = exchange.now, failure.flag
        if not failure.flag:
            # A reply whose status a filter takes for a failure.
            one.status = failure.status

    def end(self, exchange: Exchange) -> None:
        """Take what there is to know. It is all over: nothing of the exchange can be looked at later."""
        self.ended, self.now, self.duration = time.time_ns(), exchange.now, exchange.duration
        request, peer, attempt = exchange.request, exchange.peer, exchange.attempt
        self.method, self.host, self.path = request.method, request.host, request.path
        self.agent = request.headers.get("user-agent")
        self.address, self.port, self.secure, self.peer = peer.address, peer.port, peer.secure, peer.identity
        self.route, self.upstream, self.flag = exchange.route, exchange.upstream, exchange.flag
        self.attempts, self.endpoint = attempt.number, attempt.endpoint
        self.status = exchange.response.status
        self.received, self.sent = exchange.request_bytes, exchange.response_bytes
        self.filters = exchange.filter_seconds
        for one in self.tries:
            if one.ended is None:
                self._end_try(one, exchange)

    def _end_try(self, one: Try, exchange: Exchange) -> None:
        one.ended = self.now
        # Of several that are under way the last one that was heard of has answered.
        if one.number == self.attempts:
            one.flag, one.status = self.flag, exchange.reply.status
