"""Certificates, keys, CA bundles and revocation lists on disk: read, and looked at for what would fail later.

Read again whenever a plan is built, so that a renewed file needs no change of the configuration.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

MAX_PEM_BYTES = 4 << 20
SHORTEST_RSA_BITS = 2048
_REVOCATION_BLOCK = re.compile(r"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
_SIGNING_KEYS = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)
_CURVES = ("secp256r1", "secp384r1", "secp521r1")


class CredentialError(Exception):
    """A file that cannot be used. `part` is the key of the configuration that names it."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


class PairFiles(Protocol):
    """Whatever part of the configuration names a certificate and a key."""

    @property
    def cert(self) -> Path:
        """The certificate chain."""

    @property
    def key(self) -> Path:
        """Its private key."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate chain and its key, as PEM text."""

    chain_pem: str
    key_pem: str = field(repr=False)


def read_pair(files: PairFiles) -> Pair:
    """Read a certificate and its key, which must belong together. Raises `CredentialError`."""
    chain_pem = _text(files.cert, "cert")
    leaf = _certificates(files.cert, chain_pem, "cert")[0]
    if leaf.not_valid_after_utc < datetime.now(UTC):
        raise CredentialError("cert", f"{files.cert} expired on {leaf.not_valid_after_utc:%Y-%m-%d}")
    key_pem = _text(files.key, "key")
    key = _key(files.key, key_pem)
    if _public_bytes(key.public_key()) != _public_bytes(leaf.public_key()):
        raise CredentialError("key", f"{files.key} is not the key of {files.cert}")
    return Pair(chain_pem, key_pem)


def read_authority(path: Path, part: str) -> str:
    """Read CA certificates. Raises `CredentialError`."""
    pem = _text(path, part)
    for certificate in _certificates(path, pem, part):
        if _denies_being_an_authority(certificate):
            subject = certificate.subject.rfc4514_string() or "without a name"
            raise CredentialError(part, f"{path} holds a certificate that is no CA ({subject})")
    return pem


def read_revocations(path: Path, part: str) -> str:
    """Read revocation lists. Raises `CredentialError`."""
    pem = _text(path, part)
    try:
        listings = _listings(pem)
    except ValueError:
        listings = []
    if not listings:
        raise CredentialError(part, f"{path} holds no revocation list (PEM)")
    return pem


def expired_revocations(pem: str) -> datetime | None:
    """Return since when one of these lists is out of date: from then on it vouches for nobody."""
    ends = [listing.next_update_utc for listing in _listings(pem)]
    return min((end for end in ends if end is not None and end < datetime.now(UTC)), default=None)


def is_signed_by(revocations_pem: str, authority_pem: str) -> bool:
    """Tell whether one of the CAs has signed each list; one that none has signed revokes nothing."""
    authorities = x509.load_pem_x509_certificates(authority_pem.encode())
    return all(
        any(_has_signed(authority, listing) for authority in authorities)
        for listing in _listings(revocations_pem)
    )


def readable_by_others(path: Path) -> str | None:
    """Return the mode of a key file when more than its owner can get at it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{mode:04o}" if mode & 0o077 else None


# === files ===


def _text(path: Path, part: str) -> str:
    try:
        if path.exists() and not path.is_file():
            raise CredentialError(part, f"{path} is no file")
        with path.open("rb") as file:
            data = file.read(MAX_PEM_BYTES + 1)
    except OSError as error:
        raise CredentialError(part, f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    if len(data) > MAX_PEM_BYTES:
        raise CredentialError(part, f"{path} is larger than {MAX_PEM_BYTES >> 20} MiB")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise CredentialError(part, f"{path} is not PEM: it holds bytes that are no text") from None


def _certificates(path: Path, pem: str, part: str) -> list[x509.Certificate]:
    if "-----BEGIN CERTIFICATE-----" not in pem:
        holds = ": it holds a private key" if "PRIVATE KEY-----" in pem else ""
        raise CredentialError(part, f"{path} holds no certificate (PEM){holds}")
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
        for certificate in certificates:
            certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise CredentialError(part, f"{path} holds a certificate that cannot be read") from None
    return certificates


def _listings(pem: str) -> list[x509.CertificateRevocationList]:
    return [x509.load_pem_x509_crl(block.encode()) for block in _REVOCATION_BLOCK.findall(pem)]


def _has_signed(authority: x509.Certificate, listing: x509.CertificateRevocationList) -> bool:
    key = authority.public_key()
    if authority.subject != listing.issuer or not isinstance(key, _SIGNING_KEYS):
        return False
    try:
        return listing.is_signature_valid(key)
    except (TypeError, UnsupportedAlgorithm):
        return False


def _key(path: Path, pem: str) -> PrivateKeyTypes:
    if "PRIVATE KEY-----" not in pem:
        raise CredentialError("key", f"{path} holds no private key (PEM)")
    try:
        key = load_pem_private_key(pem.encode(), None)
    except TypeError:
        raise CredentialError("key", f"{path} is encrypted; a key without a passphrase is needed") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CredentialError("key", f"{path} holds a private key that cannot be read") from None
    if problem := _weakness(key):
        raise CredentialError("key", f"{path} holds {problem}")
    return key


def _weakness(key: PrivateKeyTypes) -> str | None:
    """Say why TLS would refuse this key, if it would."""
    if isinstance(key, rsa.RSAPrivateKey):
        short = key.key_size < SHORTEST_RSA_BITS
        return f"an RSA key of {key.key_size} bits; it needs {SHORTEST_RSA_BITS} or more" if short else None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return (
            None
            if key.curve.name in _CURVES
            else f"a key on the curve {key.curve.name}; use P-256, P-384 or P-521"
        )
    return (
        None
        if isinstance(key, ed25519.Ed25519PrivateKey)
        else "a kind of key that TLS does not take; use ECDSA P-256"
    )


def _public_bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _denies_being_an_authority(certificate: x509.Certificate) -> bool:
    try:
        return not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False  # a version 1 root says neither
