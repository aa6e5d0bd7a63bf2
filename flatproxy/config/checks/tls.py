"""Has everyone who speaks TLS a certificate to show, and something to verify the other side against?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from flatproxy.config.checks.findings import Findings
    from flatproxy.config.credentials import PairFiles
    from flatproxy.config.identity import Identity
    from flatproxy.config.listeners import ListenerTls
    from flatproxy.config.models import Config
    from flatproxy.config.source import Steps
    from flatproxy.config.upstreams import Upstream, UpstreamTls

_NEED_IDENTITY = "add an `identity` section"


def check(config: Config, findings: Findings) -> None:
    """Find TLS settings that lack a part, contradict each other, or name files that cannot be used."""
    has_identity = "identity" in findings.sections
    if config.identity is not None:
        _identity(config.identity, ("identity",), findings)
    for number, listener in enumerate(config.listeners):
        if listener.tls is not None:
            _listener(listener.tls, ("listeners", number, "tls"), findings, has_identity=has_identity)
    for number, upstream in enumerate(config.upstreams):
        if upstream.tls is not None:
            _upstream(
                upstream, upstream.tls, ("upstreams", number, "tls"), findings, has_identity=has_identity
            )


# === identity ===


def _identity(identity: Identity, path: Steps, findings: Findings) -> None:
    if identity.authority is not None and identity.files is not None:
        findings.error_at_key(
            (*path, "files"), "an identity comes from `authority: embedded` or from `files`, not both"
        )
    if identity.id is not None and not identity.id.startswith(f"spiffe://{identity.trust_domain}/"):
        findings.error(
            (*path, "id"), f"`id` must be of the trust domain: spiffe://{identity.trust_domain}/..."
        )
    if identity.files is not None:
        inside: Steps = (*path, "files")
        _pair(identity.files, inside, findings)
        _authority(identity.files.ca, (*inside, "ca"), findings)
        _revocations(identity.files.crl, identity.files.ca, (*inside, "crl"), findings)


# === listeners ===


def _listener(tls: ListenerTls, path: Steps, findings: Findings, *, has_identity: bool) -> None:
    if tls.mode == "off":
        _unused(
            path,
            (("certificates", tls.certificates), ("client_ca", tls.client_ca), ("crl", tls.crl)),
            "off",
            findings,
        )
        return
    if tls.certificates is None and not has_identity:
        findings.error(path, f"nothing to show to clients: {_NEED_IDENTITY} or `certificates`")
    for number, files in enumerate(tls.certificates or ()):
        _pair(files, (*path, "certificates", number), findings)
    if tls.mode == "simple":
        _unused(path, (("client_ca", tls.client_ca), ("crl", tls.crl)), "simple", findings)
    elif not has_identity:
        findings.error(
            path, f"mode mutual admits clients of one trust domain: {_NEED_IDENTITY} with `trust_domain`"
        )
    _authority(tls.client_ca, (*path, "client_ca"), findings)
    _revocations(tls.crl, tls.client_ca, (*path, "crl"), findings)


# === upstreams ===


def _upstream(
    upstream: Upstream, tls: UpstreamTls, path: Steps, findings: Findings, *, has_identity: bool
) -> None:
    if tls.mode == "off":
        given = (
            ("identity", tls.identity),
            ("name", tls.name),
            ("sni", tls.sni),
            ("ca", tls.ca),
            ("crl", tls.crl),
        )
        _unused(path, given, "off", findings)
        return
    if tls.identity is not None and tls.name is not None:
        findings.error_at_key((*path, "name"), "a service is verified by `identity` or by `name`, not both")
    if tls.identity is None and tls.name is None and upstream.common_name() is None:
        findings.error(
            path, "add `identity` (a SPIFFE id) or `name` (a DNS name): what must its certificate carry?"
        )
    if tls.ca is None and not has_identity:
        findings.error(path, f"nothing to verify the service against: {_NEED_IDENTITY} or `ca`")
    if tls.mode == "mutual" and not has_identity:
        findings.error(path, f"mode mutual shows our certificate, and there is none: {_NEED_IDENTITY}")
    _authority(tls.ca, (*path, "ca"), findings)
    _revocations(tls.crl, tls.ca, (*path, "crl"), findings)


def _unused(path: Steps, given: Iterable[tuple[str, object]], mode: str, findings: Findings) -> None:
    for key, value in given:
        if value is not None:
            findings.error_at_key((*path, key), f"`{key}` has no use with mode {mode}")


# === files ===


def _pair(files: PairFiles, path: Steps, findings: Findings) -> None:
    from flatproxy.config import (
        credentials,  # cryptography takes 0.1 s to import: only for files that there are
    )

    try:
        credentials.read_pair(files)
        if mode := credentials.readable_by_others(files.key):
            findings.warn(
                (*path, "key"), f"{files.key} is open to others (mode {mode}); run: chmod 600 {files.key}"
            )
    except credentials.CredentialError as error:
        findings.error((*path, error.part), str(error))


def _authority(file: Path | None, path: Steps, findings: Findings) -> None:
    if file is None:
        return
    from flatproxy.config.credentials import CredentialError, read_authority

    try:
        read_authority(file, str(path[-1]))
    except CredentialError as error:
        findings.error(path, str(error))


def _revocations(file: Path | None, authority: Path | None, path: Steps, findings: Findings) -> None:
    if file is None:
        return
    from flatproxy.config.credentials import (
        CredentialError,
        expired_revocations,
        is_signed_by,
        read_revocations,
    )

    try:
        pem = read_revocations(file, "crl")
    except CredentialError as error:
        findings.error(path, str(error))
        return
    if end := expired_revocations(pem):
        findings.warn(
            path, f"{file} is out of date since {end:%Y-%m-%d}: until it is renewed, everyone is refused"
        )
    authority_pem = _authority_or_none(authority)
    if authority_pem is not None and not is_signed_by(pem, authority_pem):
        findings.error(path, f"{file} is signed by none of the CAs in {authority}")


def _authority_or_none(file: Path | None) -> str | None:
    """Return the CA certificates, if they can be read; what is wrong with them is said where they are named."""
    from flatproxy.config.credentials import CredentialError, read_authority

    try:
        return None if file is None else read_authority(file, "ca")
    except CredentialError:
        return None
