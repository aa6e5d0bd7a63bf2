"""The embedded authority: a root of our own in a state folder, and the leaves it signs.

ca.pem, ca.key.pem     the root: public half to hand to peers, and its key
leaf.pem               our own certificate, followed by its key (one file, so the two always match)
revoked.json, crl.pem  serials that are no longer good, and the signed list of them
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from flatproxy.core import log
from flatproxy.core.identity import certificates
from flatproxy.core.identity.errors import IdentityError
from flatproxy.core.identity.material import Identity
from flatproxy.core.identity.spiffe import SCHEME, check_trust_domain, member_id
from flatproxy.core.identity.state import StateFolder

DEFAULT_LIFETIME = timedelta(hours=24)
Root = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def utc_now() -> datetime:
    """Now, in UTC, to the second: certificates know nothing finer."""
    return datetime.now(UTC).replace(microsecond=0)


class EmbeddedAuthority:
    """Signs identities of one trust domain. `now` is the clock, so that a test can own it."""

    def __init__(self, state: Path, trust_domain: str, now: Callable[[], datetime] = utc_now) -> None:
        self.state = StateFolder(state)
        self.trust_domain = check_trust_domain(trust_domain)
        self._now = now

    @classmethod
    def existing(cls, state: Path, now: Callable[[], datetime] = utc_now) -> "EmbeddedAuthority":
        """The authority whose root is in `state` already; raises IdentityError when there is none."""
        certificate = StateFolder(state).read("ca.pem")
        if certificate is None:
            raise IdentityError(f"there is no authority in {state}; `flatproxy ca init` makes one")
        root = _parse_certificate(certificate, state / "ca.pem")
        return cls(state, _trust_domain_of(root, state), now)

    def initialise(self) -> bool:
        """Make the root when there is none; True when it was made now."""
        with self.state.locked():
            if self.state.read("ca.pem") is not None:
                self._root()
                return False
            self._make_root()
            return True

    def root(self) -> x509.Certificate:
        """The root certificate; made when there is none."""
        self.initialise()
        return self._root()[0]

    def issue(
        self, spiffe_id: str, names: Sequence[str] = (), lifetime: timedelta = DEFAULT_LIFETIME
    ) -> Identity:
        """Sign a new leaf for a workload of this trust domain; nothing is written but a missing root."""
        member = member_id(spiffe_id, self.trust_domain)
        if lifetime < timedelta(seconds=1):
            raise IdentityError("a certificate must live for at least one second")
        self.initialise()
        root = self._root()
        now = self._now()
        validity = (now - certificates.BACKDATED, min(now + lifetime, root[0].not_valid_after_utc))
        if validity[1] <= now:
            raise IdentityError(
                f"the root in {self.state.path} has expired; make a new one in an empty folder"
            )
        key = certificates.new_key()
        leaf = certificates.leaf_certificate(key, member, names, validity, root)
        return self._identity(leaf, certificates.key_pem(key).decode(), root[0])

    def own(
        self, spiffe_id: str, names: Sequence[str] = (), lifetime: timedelta = DEFAULT_LIFETIME
    ) -> Identity:
        """Our own leaf: the one in the state folder while it is young and as asked for, else a new one."""
        self.initialise()
        kept = self._kept_leaf(spiffe_id, names, lifetime)
        if kept is not None:
            return kept
        identity = self.issue(spiffe_id, names, lifetime)
        try:
            with self.state.locked():
                self.state.write("leaf.pem", (identity.chain_pem + identity.key_pem).encode())
        except IdentityError as error:
            # A full disk must not cost us our identity: it only means that a restart signs another one.
            log.event("identity_not_kept", str(error), level="warning")
        return identity

    def revoke(self, serial: int) -> bool:
        """Put a serial number on the revocation list; False when it stood there already."""
        with self.state.locked():
            root = self._root()
            revoked = self._revoked()
            if serial in revoked:
                return False
            revoked[serial] = self._now()
            listing = certificates.revocation_list(revoked.items(), len(revoked), self._now(), root)
            dates = {f"{number:x}": date.isoformat() for number, date in revoked.items()}
            self.state.write("revoked.json", json.dumps(dates, indent=1).encode())
            self.state.write("crl.pem", certificates.certificate_pem(listing))
            return True

    def revoked(self) -> dict[str, datetime]:
        """Revoked serial numbers in hexadecimal, and since when."""
        return {f"{serial:x}": date for serial, date in self._revoked().items()}

    # === the files behind it ===

    def _make_root(self) -> None:
        key = certificates.new_key()
        certificate = certificates.root_certificate(key, self.trust_domain, self._now())
        # The key first: a certificate without its key would look like a root that cannot sign.
        self.state.write("ca.key.pem", certificates.key_pem(key))
        self.state.write("ca.pem", certificates.certificate_pem(certificate))

    def _root(self) -> Root:
        path = self.state.path
        certificate = _parse_certificate(self.state.read("ca.pem") or b"", path / "ca.pem")
        key = _parse_key(self.state.read_secret("ca.key.pem") or b"", path / "ca.key.pem")
        if not certificates.same_key(certificate, key):
            raise IdentityError(f"{path / 'ca.key.pem'} is not the key of {path / 'ca.pem'}")
        domain = _trust_domain_of(certificate, path)
        if domain != self.trust_domain:
            raise IdentityError(
                f"{path} holds the authority of the trust domain `{domain}`, not of `{self.trust_domain}`;"
                " use another state folder, or that trust domain"
            )
        return certificate, key

    def _kept_leaf(self, spiffe_id: str, names: Sequence[str], lifetime: timedelta) -> Identity | None:
        content = self.state.read_secret("leaf.pem")
        if content is None:
            return None
        root = self._root()[0]
        try:
            leaf, key = x509.load_pem_x509_certificate(content), load_pem_private_key(content, None)
            leaf.verify_directly_issued_by(root)
        except (ValueError, TypeError, InvalidSignature):
            return None  # half a file, or of an earlier root: a new one takes its place
        identity = self._identity(leaf, certificates.key_pem(key).decode(), root)
        as_asked = (
            identity.id == spiffe_id
            and certificates.names_of(leaf) == certificates.sorted_names(names)
            and identity.not_after - identity.not_before <= lifetime + certificates.BACKDATED
            and leaf.serial_number not in self._revoked()
        )
        young = identity.renew_at is not None and identity.not_before <= self._now() < identity.renew_at
        return identity if as_asked and young else None

    def _identity(self, leaf: x509.Certificate, key_pem: str, root: x509.Certificate) -> Identity:
        issued = leaf.not_valid_before_utc + certificates.BACKDATED
        crl = self.state.read("crl.pem")
        return Identity(
            trust_domain=self.trust_domain,
            id=certificates.spiffe_uris(leaf)[0],
            chain_pem=certificates.certificate_pem(leaf).decode(),
            key_pem=key_pem,
            ca_pem=certificates.certificate_pem(root).decode(),
            crl_pem=None if crl is None else crl.decode(),
            serial=certificates.serial_of(leaf),
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            renew_at=issued + (leaf.not_valid_after_utc - issued) / 2,
        )

    def _revoked(self) -> dict[int, datetime]:
        content = self.state.read("revoked.json")
        try:
            entries: dict[str, str] = json.loads(content or b"{}")
            return {int(serial, 16): datetime.fromisoformat(date) for serial, date in entries.items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise IdentityError(f"{self.state.path / 'revoked.json'} is damaged: {error}") from error


def _parse_certificate(content: bytes, path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError as error:
        raise IdentityError(f"{path} holds no certificate: {error}") from error


def _parse_key(content: bytes, path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(content, None)
    except (ValueError, TypeError) as error:
        raise IdentityError(f"{path} holds no private key that we can read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise IdentityError(f"{path} holds a key of another kind than our root has (P-256)")
    return key


def _trust_domain_of(root: x509.Certificate, path: Path) -> str:
    uris = certificates.spiffe_uris(root)
    if len(uris) != 1 or not uris[0].startswith(SCHEME):
        raise IdentityError(
            f"{path / 'ca.pem'} is not a root that `flatproxy ca init` made: it names no trust domain"
        )
    return uris[0].removeprefix(SCHEME)
