"""`identity:` -- who we are, and who vouches for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from flatproxy.config.network import AlternativeName, SpiffeId, TrustDomain
from flatproxy.config.values import Duration, File, Model


class IdentityFiles(Model):
    """Certificates that someone else issues and renews; watched, and read again when they change."""

    cert: File
    """Our certificate, PEM, leaf first."""
    key: File
    """Its private key, PEM, without a passphrase."""
    ca: File
    """The CA certificates that peers are verified against, PEM."""
    crl: File | None = None
    """Certificates that were revoked, PEM."""


class Identity(Model):
    """Our trust domain and our own certificate in it."""

    trust_domain: TrustDomain
    """The SPIFFE trust domain; a peer of any other is refused."""
    authority: Literal["embedded"] | None = None
    """`embedded`: issue certificates ourselves, from a state folder. The default unless `files` are given."""
    files: IdentityFiles | None = None
    """Certificates issued elsewhere, in place of `authority: embedded`."""
    id: SpiffeId | None = None
    """Our own SPIFFE id; `spiffe://<trust_domain>/flatproxy` unless given."""
    state: Annotated[File, Field(validate_default=True)] = Path(".flatproxy")
    """Where the embedded authority keeps its keys; a relative path starts at the configuration file."""
    lifetime: Duration = timedelta(hours=24)
    """How long a certificate of the embedded authority is valid. It is renewed long before."""
    dns_names: tuple[AlternativeName, ...] = ("localhost",)
    """DNS names and IP addresses in our own certificate, beside the id."""

    @property
    def own_id(self) -> str:
        """Our SPIFFE id, given or derived."""
        return self.id or f"spiffe://{self.trust_domain}/flatproxy"
