"""Conformance filters that tell what they see, remember, and wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from flatproxy import Exchange, Failure, Filter, Options


class DiaryOptions(Options):
    """Who writes."""

    mark: str = "diary"
    only: frozenset[str] = frozenset()


class Diary(Filter):
    """Logs every phase that it is asked in, with what it sees there."""

    name = "diary"
    Options = DiaryOptions
    options: DiaryOptions

    def __init__(self, options: DiaryOptions) -> None:
        super().__init__(options)
        self.phases = options.only or type(self).phases

    def on_connect(self, exchange: Exchange) -> None:
        """Note who connects."""
        self._note(exchange, f"on_connect {exchange.peer.address}")

    def on_request(self, exchange: Exchange) -> None:
        """Note what is asked for."""
        self._note(exchange, f"on_request {exchange.request.method} {exchange.request.path}")

    def on_request_body(self, exchange: Exchange, chunk: bytes, last: bool) -> None:
        """Note how long the piece is."""
        self._note(exchange, f"on_request_body {len(chunk)} {'last' if last else 'more'}")

    def on_attempt(self, exchange: Exchange) -> None:
        """Note which it is."""
        self._note(exchange, f"on_attempt {exchange.attempt.number}")

    def on_failure(self, exchange: Exchange, failure: Failure) -> None:
        """Note why."""
        self._note(exchange, f"on_failure {failure.flag or '-'}")

    def on_response(self, exchange: Exchange) -> None:
        """Note what came."""
        self._note(exchange, f"on_response {exchange.response.status}")

    def on_response_body(self, exchange: Exchange, chunk: bytes, last: bool) -> None:
        """Note how long the piece is."""
        self._note(exchange, f"on_response_body {len(chunk)} {'last' if last else 'more'}")

    def on_done(self, exchange: Exchange) -> None:
        """Note how it ended."""
        self._note(exchange, f"on_done {exchange.flag or '-'}")

    def _note(self, exchange: Exchange, what: str) -> None:
        exchange.log.info(f"{self.options.mark} {what}")


@dataclass(frozen=True)
class Note:
    """What filters of one exchange tell each other."""

    text: str


class TellOptions(Options):
    """What is told."""

    note: str


class Tell(Filter):
    """Leaves a note for the other filters of the exchange."""

    name = "tell"
    Options = TellOptions
    options: TellOptions

    def on_request(self, exchange: Exchange) -> None:
        """Leave it."""
        exchange.shared[Note] = Note(self.options.note)


class Hear(Filter):
    """Writes the note into a field of the request and of the response."""

    name = "hear"

    def on_request(self, exchange: Exchange) -> None:
        """Read it on the way there."""
        exchange.request.headers["x-heard"] = self._heard(exchange)

    def on_response(self, exchange: Exchange) -> None:
        """Read it on the way back."""
        exchange.response.headers["x-heard"] = self._heard(exchange)

    def _heard(self, exchange: Exchange) -> str:
        note = exchange.shared.get(Note)
        return note.text if note else "nothing"


class PauseOptions(Options):
    """Where, and how long."""

    phase: Literal["on_request", "on_response"] = Field(alias="in", default="on_request")
    seconds: float


class Pause(Filter):
    """Waits without holding up anybody else, then carries on."""

    name = "pause"
    Options = PauseOptions
    options: PauseOptions

    def __init__(self, options: PauseOptions) -> None:
        super().__init__(options)
        self.phases = frozenset({options.phase})

    async def on_request(self, exchange: Exchange) -> None:
        """Wait, and say so."""
        await asyncio.sleep(self.options.seconds)
        exchange.request.headers["x-paused"] = "yes"

    async def on_response(self, exchange: Exchange) -> None:
        """Wait, and say so."""
        await asyncio.sleep(self.options.seconds)
        exchange.response.headers["x-paused"] = "yes"


FILTERS = (Diary, Tell, Hear, Pause)
