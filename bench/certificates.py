"""Throw-away certificates of a run: one authority, one server, one client; ECDSA P-256 throughout."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "bench.test"
LIFETIME = datetime.timedelta(days=2)


@dataclass(frozen=True)
class Certificates:
    """Paths of the PEM files."""

    ca: Path
    server_cert: Path
    server_key: Path
    server_both: Path
    client_cert: Path
    client_key: Path


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make(folder: Path) -> Certificates:
    """Write a fresh set into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = Certificates(
        ca=folder / "ca.pem",
        server_cert=folder / "server.pem",
        server_key=folder / "server.key",
        server_both=folder / "server-both.pem",
        client_cert=folder / "client.pem",
        client_key=folder / "client.key",
    )
    authority = _authority()
    paths.ca.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    cert, key = _leaf(authority, "proxy", ExtendedKeyUsageOID.SERVER_AUTH)
    paths.server_cert.write_bytes(cert)
    paths.server_key.write_bytes(key)
    paths.server_both.write_bytes(cert + key)
    cert, key = _leaf(authority, "client", ExtendedKeyUsageOID.CLIENT_AUTH)
    paths.client_cert.write_bytes(cert)
    paths.client_key.write_bytes(key)
    return paths


def _authority() -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench authority")])
    trust_domain = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"spiffe://{HOST}")])
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(trust_domain, critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Authority(certificate, key)


def _leaf(authority: _Authority, role: str, purpose: x509.ObjectIdentifier) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, role)])
    names = [x509.DNSName(HOST), x509.UniformResourceIdentifier(f"spiffe://{HOST}/{role}")]
    # Both purposes on the server: a mesh proxy is client and server with one certificate.
    purposes = [purpose] if role == "client" else [purpose, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        _builder(name, authority.certificate.subject, key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), pem


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
