"""Where the configuration says our identity comes from, as one thing with one `load`."""

from datetime import timedelta
from pathlib import Path
from typing import Protocol

from flatproxy.config.identity import Identity as Settings
from flatproxy.core.identity.embedded import EmbeddedAuthority
from flatproxy.core.identity.files import FilesAuthority
from flatproxy.core.identity.material import Identity


class Source(Protocol):
    """An authority as the proxy sees it."""

    def load(self) -> Identity:
        """The identity as of now; raises IdentityError."""

    def watched(self) -> tuple[Path, ...]:
        """The files whose change means: load again."""


class EmbeddedSource:
    """Our own leaf from an embedded authority."""

    def __init__(
        self, authority: EmbeddedAuthority, spiffe_id: str, names: tuple[str, ...], lifetime: timedelta
    ) -> None:
        self._authority = authority
        self._leaf = (spiffe_id, names, lifetime)

    def load(self) -> Identity:
        """The kept leaf while it is young, else a fresh one."""
        return self._authority.own(*self._leaf)

    def watched(self) -> tuple[Path, ...]:
        """The revocation list (`flatproxy ca revoke` writes it) and the root."""
        folder = self._authority.state.path
        return folder / "crl.pem", folder / "ca.pem"


def open_source(settings: Settings) -> Source:
    """The source that an `identity` section describes; nothing is read or written yet."""
    if settings.files is not None:
        files = settings.files
        return FilesAuthority(
            settings.trust_domain, cert=files.cert, key=files.key, ca=files.ca, crl=files.crl
        )
    authority = EmbeddedAuthority(settings.state, settings.trust_domain)
    return EmbeddedSource(authority, settings.own_id, settings.dns_names, settings.lifetime)
