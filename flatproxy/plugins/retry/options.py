"""What an operator may write: which failures are tried again, how often, when, and how many at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from flatproxy import Options
from flatproxy.api.values import Duration, DurationOrZero, Share, Text, refuse

MOST_ATTEMPTS = 16  # the core's own end
Failing = Literal["connect", "reset", "timeout"]
Status = Annotated[int, Strict(), Field(ge=200, le=599)]


class BackOff(Options):
    """How long to wait before a further try: anything from nothing to a limit that doubles with each."""

    base: DurationOrZero = timedelta(milliseconds=25)
    """The limit before the second try."""
    most: DurationOrZero = timedelta(seconds=1)
    """What the limit grows to."""


class Budget(Options):
    """How many requests may be tried again at the same time, so that an upstream in trouble is not stormed."""

    share: Share = 20
    """Of the requests that the upstream has under way."""
    least: Annotated[int, Strict(), Field(ge=0, le=1_000_000)] = 3
    """So many in any case."""


class RetryOptions(Options):
    """Which failures are tried again, how often, when, and how many at once."""

    attempts: Annotated[int, Strict(), Field(ge=2, le=MOST_ATTEMPTS)] = 3
    """Tries altogether, the first included."""
    failures: frozenset[Failing] = frozenset({"connect", "reset", "timeout"})
    """`connect`: no connection could be made; `reset`: it broke, or what came is no HTTP; `timeout`: of a try."""
    statuses: frozenset[Status] = frozenset({502, 503, 504})
    """Replies with these count as failed."""
    timeout: Duration | None = None
    """What a try may take until its reply begins; left out: what the exchange may."""
    hedge_after: Duration | None = None
    """When a try has no reply by then, another endpoint is asked as well, and the first reply wins; left out: never."""
    back_off: BackOff = BackOff()
    """Before a further try, unless the reply says `Retry-After`."""
    retry_after: DurationOrZero = timedelta(seconds=5)
    """The longest `Retry-After` that is waited for; a reply that asks for more goes to the client."""
    budget: Budget = Budget()
    """How many requests may be tried again at the same time."""
    also: frozenset[Text] = frozenset()
    """Methods such as POST that may be done twice here, besides those that always may (RFC 9110 section 9.2.2)."""

    @model_validator(mode="after")
    def _has_something_to_do(self) -> Self:
        if not self.failures and not self.statuses:
            raise refuse("needs failures in `failures`, or `statuses`")
        return self
