"""A conformance filter that breaks the contract, in the phase and the way that it is told to."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from flatproxy import Exchange, Failure, Filter, Options

Phase = Literal[
    "on_connect", "on_request", "on_request_body", "on_attempt", "on_failure", "on_response", "on_response_body", "on_done",
]  # fmt: skip


class FailingOptions(Options):
    """Where and how."""

    phase: Phase = Field(alias="in", default="on_request")
    how: Literal["raise", "nonsense", "hang"] = "raise"


class Failing(Filter):
    """Raises, answers with what no phase may answer, or never comes back."""

    name = "failing"
    Options = FailingOptions
    options: FailingOptions

    def __init__(self, options: FailingOptions) -> None:
        super().__init__(options)
        self.phases = frozenset({options.phase})

    def on_connect(self, exchange: Exchange) -> Any:
        """Fail."""
        return self._fail()

    def on_request(self, exchange: Exchange) -> Any:
        """Fail."""
        return self._fail()

    def on_request_body(self, exchange: Exchange, chunk: bytes, last: bool) -> Any:
        """Fail."""
        return self._fail()

    def on_attempt(self, exchange: Exchange) -> Any:
        """Fail."""
        return self._fail()

    def on_failure(self, exchange: Exchange, failure: Failure) -> Any:
        """Fail."""
        return self._fail()

    def on_response(self, exchange: Exchange) -> Any:
        """Fail."""
        return self._fail()

    def on_response_body(self, exchange: Exchange, chunk: bytes, last: bool) -> Any:
        """Fail."""
        return self._fail()

    def on_done(self, exchange: Exchange) -> Any:
        """Fail."""
        return self._fail()

    def _fail(self) -> Any:
        if self.options.how == "nonsense":
            return 7
        if self.options.how == "raise":
            raise RuntimeError("as it was told to")
        while True:
            pass


FILTERS = (Failing,)
