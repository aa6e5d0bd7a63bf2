"""What the proxy's main thread is asked to do, one at a time."""

from concurrent.futures import Future
from dataclasses import dataclass, field

from flatproxy.core.identity import Identity, Source


@dataclass(frozen=True)
class ReloadFile:
    """Load the configuration again. `errors` is set when it is over, for whoever waits."""

    by_supervisor: bool
    errors: Future[list[str]] = field(default_factory=Future)


@dataclass(frozen=True)
class Renew:
    """Serve with a fresh certificate, or with another list of revocations."""

    source: Source
    identity: Identity


@dataclass(frozen=True)
class Reread:
    """A certificate, key, authority or revocation list of a listener or an upstream has changed."""


@dataclass(frozen=True)
class Resume:
    """After a restart with the last good plan: read the configuration it came from, to renew its certificate."""


@dataclass(frozen=True)
class OpenAdmin:
    """The admin address could not be opened: try again."""


@dataclass(frozen=True)
class Stop:
    """Drain for so long, then end."""

    seconds: float


Task = ReloadFile | Renew | Reread | Resume | OpenAdmin | Stop
