"""Identity from files that someone else renews: cert-manager, SPIRE's helper, an operator's script."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from flatproxy.core.identity import certificates
from flatproxy.core.identity.embedded import utc_now
from flatproxy.core.identity.errors import IdentityError
from flatproxy.core.identity.material import Identity
from flatproxy.core.identity.spiffe import check_trust_domain, member_id


class FilesAuthority:
    """Reads and checks certificate chain, key, trusted roots and, where given, the revocation list."""

    def __init__(
        self,
        trust_domain: str,
        *,
        cert: Path,
        key: Path,
        ca: Path,
        crl: Path | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.trust_domain = check_trust_domain(trust_domain)
        self.cert, self.key, self.ca, self.crl = cert, key, ca, crl
        self._now = now

    def load(self) -> Identity:
        """All files as one identity; raises IdentityError when one is bad or they do not fit together."""
        chain = _certificates(self.cert)
        leaf = chain[0]
        roots = _certificates(self.ca)
        key = _key(self.key)
        if not certificates.same_key(leaf, key):
            raise IdentityError(f"{self.key} is not the key of {self.cert}")
        self._check_leaf(leaf)
        return Identity(
            trust_domain=self.trust_domain,
            id=self._spiffe_id(leaf),
            chain_pem=_pem(chain),
            key_pem=certificates.key_pem(key).decode(),
            ca_pem=_pem(roots),
            crl_pem=None if self.crl is None else _revocation_lists(self.crl),
            serial=certificates.serial_of(leaf),
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            renew_at=None,
        )

    def watched(self) -> tuple[Path, ...]:
        """The files whose change means: load again."""
        return tuple(path for path in (self.cert, self.key, self.ca, self.crl) if path is not None)

    def _check_leaf(self, leaf: x509.Certificate) -> None:
        now = self._now()
        if leaf.not_valid_after_utc <= now:
            raise IdentityError(f"{self.cert} expired at {leaf.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC")
        if leaf.not_valid_before_utc > now:
            raise IdentityError(
                f"{self.cert} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC"
            )

    def _spiffe_id(self, leaf: x509.Certificate) -> str:
        uris = certificates.spiffe_uris(leaf)
        if len(uris) != 1:
            raise IdentityError(
                f"{self.cert} must carry exactly one URI, its SPIFFE id; it carries {len(uris)}"
            )
        return str(member_id(uris[0], self.trust_domain))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IdentityError(f"cannot read {path}: {error.strerror}") from error


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError as error:
        raise IdentityError(f"{path} holds no certificate: {error}") from error


def _key(path: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(_read(path), None)
    except TypeError as error:
        raise IdentityError(f"{path} is encrypted; FlatProxy reads only keys without a passphrase") from error
    except ValueError as error:
        raise IdentityError(f"{path} holds no private key that we can read") from error


def _revocation_lists(path: Path) -> str:
    content = _read(path)
    try:
        x509.load_pem_x509_crl(content)
    except ValueError as error:
        raise IdentityError(f"{path} holds no revocation list: {error}") from error
    return content.decode()


def _pem(chain: list[x509.Certificate]) -> str:
    return "".join(certificates.certificate_pem(certificate).decode() for certificate in chain)
