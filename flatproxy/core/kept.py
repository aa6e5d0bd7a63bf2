"""What a proxy process leaves with the supervisor for its successor: enough to serve at once, without the file.

A crash is not a reload: the next process serves what this one served, whatever the file says by then.
"""

from dataclasses import asdict, dataclass, field

import msgpack

from flatproxy.core.candidate import Candidate, Origin
from flatproxy.core.filters.kept import KeptFilter, keep, restore
from flatproxy.core.filters.placing import Placed
from flatproxy.core.messages import Cause, Serving


@dataclass(frozen=True)
class Kept:
    """The last good plan and how it was served."""

    document: bytes = field(repr=False)
    description: dict[str, object]
    origin: Origin
    workers: int
    listeners: list[dict[str, str]]  # name, listen
    admin: str | None
    token: str | None = field(repr=False)
    drain_seconds: float
    filters: list[KeptFilter] = field(default_factory=list)

    @classmethod
    def of(cls, candidate: Candidate, workers: int) -> "Kept":
        """What a candidate needs; `workers` is the number that runs, which a reload does not change."""
        config = candidate.config
        return cls(
            document=candidate.plan.document,
            description=candidate.plan.description,
            origin=candidate.origin,
            workers=workers,
            listeners=[{"name": one.name, "listen": str(one.listen)} for one in config.listeners],
            admin=None if config.admin is None else str(config.admin.listen),
            token=candidate.token,
            drain_seconds=config.drain.total_seconds(),
            filters=keep(candidate.plan.placed),
        )

    def placed(self) -> list[Placed]:
        """Make its filters anew. Raises `FilterError`."""
        return restore(self.filters, self.origin.folder, self.origin.filter_sources)

    def wanted(self) -> dict[str, int]:
        """The sockets it takes: one a worker for each listener, one for the admin address."""
        wanted = {listener["listen"]: self.workers for listener in self.listeners}
        return wanted | ({self.admin: 1} if self.admin else {})

    def serving(self, cause: Cause) -> Serving:
        """The news for the supervisor."""
        return Serving(self.pack(), self.listeners, self.admin, self.drain_seconds, cause)

    def pack(self) -> bytes:
        """As bytes, for the supervisor, which does not look inside."""
        packed: bytes = msgpack.packb(asdict(self))
        return packed

    @classmethod
    def unpack(cls, data: bytes) -> "Kept":
        """The other way round."""
        fields = msgpack.unpackb(data)
        return cls(**{**fields, "origin": Origin(**fields["origin"])})
