"""The X.509 profile: what our root, our leaves and our revocation list look like (X509-SVID, RFC 5280).

Only values in and values out: no files, no clock of its own.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flatproxy.core.identity.errors import IdentityError
from flatproxy.core.identity.spiffe import SCHEME, SpiffeId

ROOT_LIFETIME = timedelta(days=3650)
# Clocks of two nodes differ; a certificate of this very second would be refused by the slower one.
BACKDATED = timedelta(minutes=5)
_DNS_NAME = re.compile(r"(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_-]{1,63}\Z")


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def root_certificate(key: ec.EllipticCurvePrivateKey, trust_domain: str, now: datetime) -> x509.Certificate:
    """A self-signed root that may sign leaves but no further authority (path length 0)."""
    name = _name(trust_domain, "root")
    builder = (
        _builder(name, name, key, now - BACKDATED, now + ROOT_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectAlternativeName([_uri(SCHEME + trust_domain)]), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def leaf_certificate(
    key: ec.EllipticCurvePrivateKey,
    spiffe_id: SpiffeId,
    names: Sequence[str],
    validity: tuple[datetime, datetime],
    root: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
) -> x509.Certificate:
    """An X509-SVID: exactly one URI, the SPIFFE id; DNS names and addresses beside it."""
    root_certificate, root_key = root
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        _builder(_name(spiffe_id.trust_domain, "workload"), root_certificate.subject, key, *validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_uri(str(spiffe_id)), *map(_general_name, names)]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
    )
    return builder.sign(root_key, hashes.SHA256())


def revocation_list(
    revoked: Iterable[tuple[int, datetime]],
    number: int,
    now: datetime,
    root: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
) -> x509.CertificateRevocationList:
    """A full CRL. There is no schedule of the next one, so it stays good as long as the root does."""
    certificate, key = root
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(now - BACKDATED)
        .next_update(certificate.not_valid_after_utc)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for serial, date in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(date).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(key, hashes.SHA256())


# === reading certificates ===


def spiffe_uris(certificate: x509.Certificate) -> list[str]:
    """Every URI in the subject alternative name; an X509-SVID has exactly one."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def names_of(certificate: x509.Certificate) -> list[str]:
    """The DNS names and IP addresses beside the SPIFFE id, as text, sorted."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return sorted([*names.get_values_for_type(x509.DNSName), *addresses])


def sorted_names(names: Iterable[str]) -> list[str]:
    """Names as `names_of` gives them back, so that the two can be compared."""
    general = [_general_name(name) for name in names]
    return sorted(str(name.value) for name in general)


def serial_of(certificate: x509.Certificate) -> str:
    """The serial number in hexadecimal, as `ca issue` prints and `ca revoke` takes it."""
    return f"{certificate.serial_number:x}"


def same_key(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    """Whether `key` is the private half of the certificate's key."""
    return _public_bytes(certificate.public_key()) == _public_bytes(key.public_key())  # type: ignore[arg-type]


def key_pem(key: PrivateKeyTypes) -> bytes:
    """PKCS #8, unencrypted: the file's mode protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate_pem(certificate: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    """PEM of a certificate or a revocation list."""
    return certificate.public_bytes(serialization.Encoding.PEM)


# === parts of a certificate ===


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(trust_domain: str, role: str) -> x509.Name:
    # RFC 5280 bounds both attributes at 64 characters; the URI carries the whole name.
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, trust_domain[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, f"FlatProxy {role}"),
        ]
    )


def _uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        if not _DNS_NAME.match(text):
            raise IdentityError(f"`{text}` is neither a DNS name nor an IP address") from None
        return x509.DNSName(text)


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _public_bytes(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
