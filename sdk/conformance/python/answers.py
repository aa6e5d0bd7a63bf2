"""Conformance filters that answer in place of an upstream, close, or try again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from flatproxy import Close, Exchange, Failure, Filter, Options, Respond, Retry


class RespondOptions(Options):
    """When and what."""

    phase: Literal["on_request", "on_request_body", "on_failure", "on_response"] = Field(
        alias="in", default="on_request"
    )
    status: int = 403
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Answer(Filter):
    """Answers the client; in `on_request_body` with the last piece."""

    name = "respond"
    Options = RespondOptions
    options: RespondOptions

    def __init__(self, options: RespondOptions) -> None:
        super().__init__(options)
        self.phases = frozenset({options.phase})

    def on_request(self, exchange: Exchange) -> Respond:
        """Answer to the head."""
        return self._answer()

    def on_request_body(self, exchange: Exchange, chunk: bytes, last: bool) -> Respond | None:
        """Answer to the whole."""
        return self._answer() if last else None

    def on_failure(self, exchange: Exchange, failure: Failure) -> Respond:
        """Answer to what the upstream did not do."""
        return self._answer()

    def on_response(self, exchange: Exchange) -> Respond:
        """Answer in place of the reply."""
        return self._answer()

    def _answer(self) -> Respond:
        options = self.options
        # As bytes: the format says every field that is sent, and text would bring a content-type.
        return Respond(options.status, options.body.encode(), headers=options.headers)


class CloseOptions(Options):
    """Whom not."""

    but: tuple[str, ...] = ()


class CloseOnConnect(Filter):
    """Closes every connection but those of some identities."""

    name = "close_on_connect"
    Options = CloseOptions
    options: CloseOptions

    def on_connect(self, exchange: Exchange) -> Close | None:
        """Look who it is."""
        return None if exchange.peer.identity in self.options.but else Close()


class RetryOptions(Options):
    """How often, and how long between."""

    times: int = 1
    after: float = 0.0
    statuses: frozenset[int] = frozenset()
    each: float | None = None


class TryAgain(Filter):
    """Tries again, and numbers the attempts in a field."""

    name = "retry_failed"
    Options = RetryOptions
    options: RetryOptions

    def __init__(self, options: RetryOptions) -> None:
        super().__init__(options)
        self.failure_statuses = options.statuses
        self.attempt_timeout = options.each

    def on_attempt(self, exchange: Exchange) -> None:
        """Number it."""
        exchange.attempt.headers["x-attempt"] = str(exchange.attempt.number)

    def on_failure(self, exchange: Exchange, failure: Failure) -> Retry | None:
        """Once more, while there is one left."""
        return Retry(self.options.after) if exchange.attempt.number <= self.options.times else None


FILTERS = (Answer, CloseOnConnect, TryAgain)
