"""Certificates of every kind, good and bad: an authority that signs whatever it is told to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR = timedelta(hours=1)
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
SHOP = "spiffe://demo.mesh/shop"
LEAF: dict[str, Any] = {"uris": (SHOP,), "usages": (CLIENT, SERVER)}


@dataclass(frozen=True)
class Files:
    """Where a certificate chain and its key are."""

    cert: Path
    key: Path

    @property
    def pair(self) -> dict[str, str]:
        """As a configuration names them."""
        return {"cert": str(self.cert), "key": str(self.key)}


@dataclass
class Authority:
    """A key and its certificate. What it signs is as wrong as the test wants it."""

    name: str = "authority"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)
    above: tuple[x509.Certificate, ...] = ()  # between it and its root

    def __post_init__(self) -> None:
        self.certificate = _certificate(self.name, self.key, self, ca=True)

    def intermediate(self, **profile: Any) -> "Authority":
        """An authority that this one vouches for, or, with `ca=False`, only seems to."""
        lower = Authority(f"below {self.name}")
        lower.certificate = _certificate(lower.name, lower.key, self, **{"ca": True, **profile})
        lower.above = (lower.certificate,)
        return lower

    def issue(self, folder: Path, name: str, **profile: Any) -> Files:
        """A leaf and its key as PEM files; `profile` says how it differs from a good one."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _certificate(name, key, self, **{**LEAF, **profile})
        return _write(folder, name, (leaf, *self.above), key)

    def write(self, folder: Path, name: str = "ca.pem") -> Path:
        """The certificate to trust."""
        path = folder / name
        path.write_bytes(_pem(self.certificate))
        return path

    def write_revocations(self, folder: Path, *revoked: Files, name: str = "crl.pem") -> Path:
        """The signed list of what is no longer good."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(now - HOUR).next_update(now + HOUR)
        builder = builder.add_extension(x509.CRLNumber(1), critical=False)
        builder = builder.add_extension(_signer_of(self), critical=False)
        for files in revoked:
            serial = x509.load_pem_x509_certificate(files.cert.read_bytes()).serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - HOUR)
            builder = builder.add_revoked_certificate(entry.build())
        path = folder / name
        path.write_bytes(_pem(builder.sign(self.key, hashes.SHA256())))
        return path


def self_signed(folder: Path, name: str) -> Files:
    """A leaf that nobody vouches for but itself."""
    alone = Authority(name)
    return _write(folder, name, (_certificate(name, alone.key, alone, **LEAF),), alone.key)


@dataclass
class Mesh:
    """One trust domain: its authority, and the files by which a FlatProxy belongs to it."""

    folder: Path
    authority: Authority = field(default_factory=Authority)

    @classmethod
    def found(cls, folder: Path) -> Self:
        """A new one."""
        mesh = cls(folder)
        mesh.authority.issue(folder, "proxy", uris=("spiffe://demo.mesh/proxy",), dns=("localhost",))
        mesh.authority.write(folder)
        return mesh

    @property
    def identity(self) -> dict[str, Any]:
        """The part of a configuration."""
        files = {"cert": "proxy.pem", "key": "proxy.key", "ca": "ca.pem"}
        return {
            "trust_domain": "demo.mesh",
            "files": {name: str(self.folder / file) for name, file in files.items()},
        }

    def issue(self, name: str, **profile: Any) -> Files:
        """A member of the trust domain, or somebody who wants to be taken for one."""
        return self.authority.issue(self.folder, name, **profile)

    def files(self, name: str) -> Files:
        """What `issue` wrote under that name."""
        return Files(self.folder / f"{name}.pem", self.folder / f"{name}.key")


def _write(
    folder: Path, name: str, chain: tuple[x509.Certificate, ...], key: ec.EllipticCurvePrivateKey
) -> Files:
    files = Files(folder / f"{name}.pem", folder / f"{name}.key")
    files.cert.write_bytes(b"".join(map(_pem, chain)))
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: Authority,
    *,
    uris: tuple[str, ...] = (),
    dns: tuple[str, ...] = (),
    usages: tuple[x509.ObjectIdentifier, ...] = (),
    starts: timedelta = -HOUR,
    ends: timedelta = HOUR,
    ca: bool = False,
    signs: bool = True,
    permitted: str | None = None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = _named(name)
    issuer = subject if signer.key is key else signer.certificate.subject
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now + starts).not_valid_after(now + ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    )
    builder = builder.add_extension(_signer_of(signer), critical=False)
    builder = builder.add_extension(_key_usage(ca=ca, signs=signs), critical=True)
    if names := [*map(x509.UniformResourceIdentifier, uris), *map(x509.DNSName, dns)]:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if permitted:
        constraints = x509.NameConstraints([x509.UniformResourceIdentifier(permitted)], None)
        builder = builder.add_extension(constraints, critical=True)
    return builder.sign(signer.key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _signer_of(signer: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())


def _key_usage(*, ca: bool, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs and not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not signs,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
