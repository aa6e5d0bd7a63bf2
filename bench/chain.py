"""What a peer does to a request besides passing it on: the same for all, each in its own way. Their templates say how."""

from dataclasses import dataclass
from enum import Enum


class Busy(Enum):
    """How a filter on a route of its own keeps Python busy, 2 ms at a time."""

    NOT = "not"
    INLINE = "inline"
    BLOCKING = "blocking"


@dataclass(frozen=True)
class Chain:
    """The filters of a setup.

    `headers` of them read one header and add one to the request, on every route. `sampled` percent of the requests leave a span where
    tracing, a policy, a rate limit and retries are on every route; None: they are not.
    """

    headers: int = 0
    busy: Busy = Busy.NOT
    sampled: int | None = None

    def facts(self) -> dict[str, object]:
        """The values that the templates name."""
        return {
            "header_filters": range(self.headers),
            "busy": self.busy is not Busy.NOT,
            "busy_word": self.busy.value,
            "builtins": self.sampled is not None,
            "sampled": self.sampled,
        }


NO_CHAIN = Chain()
