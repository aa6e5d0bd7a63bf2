"""What a plan takes from an authority: PEM text, already read and already checked."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Identity:
    """Our certificate, its key, and what we verify others against. Times are UTC."""

    trust_domain: str
    id: str
    chain_pem: str  # leaf first
    key_pem: str = field(repr=False)  # PKCS #8; kept out of every repr, so out of every log
    ca_pem: str
    crl_pem: str | None
    serial: str  # hexadecimal, as `ca revoke` takes it
    not_before: datetime
    not_after: datetime
    renew_at: datetime | None  # None: someone else renews it, and we watch the files

    def remaining(self, now: datetime) -> timedelta:
        """How long peers will still accept this certificate; negative when it has expired."""
        return self.not_after - now
