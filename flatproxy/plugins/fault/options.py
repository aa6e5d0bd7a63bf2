"""What an operator may write: how many requests are delayed or aborted, and by which header a request asks for it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema, model_validator

from flatproxy import Options
from flatproxy.api.values import Duration, Text, describe, refuse

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)%?")


def parse_share(value: Any) -> float:
    """Accept `50%`, `0.5%`, or a number of percent: a fault may be rarer than one in a hundred."""
    text = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    match = _SHARE.fullmatch(text)
    if match is None:
        raise refuse(f"must be a share such as 50% or 0.5%, not {describe(value)}")
    if not 0 <= (share := float(match[1])) <= 100:
        raise refuse(f"must be from 0% to 100%, not {value}")
    return share


Share = Annotated[
    float, BeforeValidator(parse_share), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}]})
]
Status = Annotated[int, Strict(), Field(ge=200, le=599)]


class Delay(Options):
    """Requests wait before they go on."""

    share: Share = 100.0
    """How many of the requests."""
    duration: Duration
    """How long. The time-out of the filter on its route has to be longer."""


class Abort(Options):
    """Requests are answered in place of the upstream."""

    share: Share = 100.0
    """How many of the requests; a delayed one may be aborted too."""
    status: Status = 503
    """What they are answered with."""


class FaultOptions(Options):
    """Which requests are delayed, which aborted; each is drawn by itself."""

    delay: Delay | None = None
    """Left out: none is delayed."""
    abort: Abort | None = None
    """Left out: none is aborted."""
    header: Text | None = None
    """Only requests that have this header meet a fault; left out: any may."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.delay is None and self.abort is None:
            raise refuse("needs `delay`, `abort`, or both")
        return self
