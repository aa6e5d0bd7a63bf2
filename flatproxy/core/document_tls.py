"""The TLS parts of the plan document: certificates, keys and CA lists as text, read when the plan is built.

Read then, and not with the configuration, so that a renewed file is picked up by building the plan again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from flatproxy.config.credentials import CredentialError, read_authority, read_pair, read_revocations
from flatproxy.config.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from flatproxy.config.listeners import ListenerTls
    from flatproxy.config.source import Source, Steps
    from flatproxy.config.upstreams import Upstream, UpstreamTls

Document = dict[str, Any]


class OwnIdentity(Protocol):
    """What a plan takes from `flatproxy.core.identity`: PEM text, already read and checked."""

    @property
    def trust_domain(self) -> str:
        """The SPIFFE trust domain."""

    @property
    def id(self) -> str:
        """Our own SPIFFE id."""

    @property
    def chain_pem(self) -> str:
        """Our certificate, leaf first."""

    @property
    def key_pem(self) -> str:
        """Its key."""

    @property
    def ca_pem(self) -> str:
        """What peers are verified against."""

    @property
    def crl_pem(self) -> str | None:
        """What was revoked."""


@dataclass(slots=True)
class Credentials:
    """Where certificates come from: our identity, and the files that the configuration names."""

    source: Source
    identity: OwnIdentity | None
    problems: list[Problem] = field(default_factory=list)

    def own_certificates(self, path: Steps) -> list[Document]:
        """Return our certificate as a list of one; of none, with a problem, when we have no identity."""
        if self.identity is None:
            self.refuse(path, "there is no identity to take a certificate from")
            return []
        return [{"chain_pem": self.identity.chain_pem, "key_pem": self.identity.key_pem}]

    def authority(self, file: Path | None, path: Steps) -> str:
        """Return the CA certificates of a file, or those of our identity."""
        if file is not None:
            try:
                return read_authority(file, str(path[-1]))
            except CredentialError as error:
                self.refuse(path, str(error))
        elif self.identity is None:
            self.refuse(path, "there is no identity to take CA certificates from")
        return "" if self.identity is None else self.identity.ca_pem

    def revocations(self, file: Path | None, path: Steps) -> str | None:
        """Return the revocation lists of a file, if one is named."""
        if file is None:
            return None
        try:
            return read_revocations(file, str(path[-1]))
        except CredentialError as error:
            self.refuse(path, str(error))
            return None

    def refuse(self, path: Steps, message: str) -> None:
        """Report a problem."""
        self.problems.append(Problem(self.source.place(path), message))


def server_tls(tls: ListenerTls | None, credentials: Credentials, path: Steps) -> Document | None:
    """Return how a listener speaks TLS, or None for plain text."""
    if tls is None or tls.mode == "off":
        return None
    if tls.certificates is None:
        certificates = credentials.own_certificates(path)
    else:
        certificates = [
            pair
            for number, files in enumerate(tls.certificates)
            if (pair := _pair(files, credentials, (*path, "certificates", number)))
        ]
    client = _client_verification(tls, credentials, path) if tls.mode == "mutual" else None
    return {"certificates": certificates, "client": client, "min_version": tls.min_version}


def _pair(files: Any, credentials: Credentials, path: Steps) -> Document | None:
    try:
        pair = read_pair(files)
    except CredentialError as error:
        credentials.refuse((*path, error.part), str(error))
        return None
    return {"chain_pem": pair.chain_pem, "key_pem": pair.key_pem}


def _client_verification(tls: ListenerTls, credentials: Credentials, path: Steps) -> Document:
    identity = credentials.identity
    revoked = credentials.revocations(tls.crl, (*path, "crl"))
    if revoked is None and tls.client_ca is None and identity is not None:
        revoked = identity.crl_pem
    return {
        "ca_pem": credentials.authority(tls.client_ca, (*path, "client_ca")),
        "crl_pem": revoked,
        "trust_domain": identity.trust_domain if identity else "",
    }


def client_tls(upstream: Upstream, credentials: Credentials, path: Steps) -> Document | None:
    """Return how an upstream is spoken to over TLS, or None for plain text."""
    tls = upstream.tls
    if tls is None or tls.mode == "off":
        return None
    identity = credentials.identity
    revoked = credentials.revocations(tls.crl, (*path, "crl"))
    if revoked is None and tls.ca is None and identity is not None:
        revoked = identity.crl_pem
    own = credentials.own_certificates(path) if tls.mode == "mutual" else []
    return {
        "ca_pem": credentials.authority(tls.ca, (*path, "ca")),
        "crl_pem": revoked,
        "verify": _verify(upstream, tls),
        "sni": tls.sni or tls.name,
        "certificate": own[0] if own else None,
        "min_version": tls.min_version,
    }


def _verify(upstream: Upstream, tls: UpstreamTls) -> Document:
    if tls.identity is not None:
        return {"identity": tls.identity}
    return {"name": tls.name or upstream.common_name()}
