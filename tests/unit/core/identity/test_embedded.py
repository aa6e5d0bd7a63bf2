"""The embedded authority: what it signs, what it keeps, and who may read it."""

import multiprocessing
import os
import resource
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from flatproxy.core.identity import EmbeddedAuthority, Identity, IdentityError, embedded

WEB = "spiffe://demo.mesh/shop/web"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authority(tmp_path: Path, clock: Clock) -> EmbeddedAuthority:
    return EmbeddedAuthority(tmp_path / "state", "demo.mesh", now=clock)


def leaf_of(identity: Identity) -> x509.Certificate:
    return x509.load_pem_x509_certificate(identity.chain_pem.encode())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# === the profile ===


def test_root_may_sign_leaves_and_nothing_deeper(authority: EmbeddedAuthority, clock: Clock) -> None:
    root = authority.root()
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    usage = root.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign
    assert usage.crl_sign
    assert not usage.digital_signature
    assert isinstance(root.public_key(), ec.EllipticCurvePublicKey)
    assert root.not_valid_after_utc - clock.time == timedelta(days=3650)
    names = root.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://demo.mesh"]


def test_leaf_is_an_x509_svid(authority: EmbeddedAuthority, clock: Clock) -> None:
    leaf = leaf_of(authority.issue(WEB, ["localhost", "127.0.0.1"]))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [WEB], "exactly one URI, the id"
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert leaf.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    purposes = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert purposes == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert clock.time - leaf.not_valid_before_utc == timedelta(minutes=5), (
        "backdated for clocks that are behind"
    )
    assert leaf.not_valid_after_utc - clock.time == timedelta(hours=24)
    leaf.verify_directly_issued_by(authority.root())


def test_leaf_never_outlives_the_root(authority: EmbeddedAuthority) -> None:
    identity = authority.issue(WEB, lifetime=timedelta(days=9999))
    assert identity.not_after == authority.root().not_valid_after_utc


@pytest.mark.parametrize(
    ("spiffe_id", "reason"),
    [
        ("https://demo.mesh/web", "must begin with"),
        ("spiffe://other.mesh/web", "not of the trust domain `demo.mesh`"),
        ("spiffe://demo.mesh", "needs a path"),
        ("spiffe://demo.mesh/", "path segment ``"),
        ("spiffe://demo.mesh/a/../b", "path segment `..`"),
        ("spiffe://demo.mesh/a b", "path segment `a b`"),
        ("spiffe://Demo.mesh/a", "not a trust domain"),
        ("spiffe://demo.mesh/" + "a" * 2048, "at most 2048 bytes"),
    ],
)
def test_an_id_that_breaks_a_rule_is_refused(
    authority: EmbeddedAuthority, spiffe_id: str, reason: str
) -> None:
    with pytest.raises(IdentityError, match=reason.replace("..", r"\.\.")):
        authority.issue(spiffe_id)


def test_a_name_that_is_no_name_is_refused(authority: EmbeddedAuthority) -> None:
    with pytest.raises(IdentityError, match="`not a name` is neither"):
        authority.issue(WEB, ["not a name"])


# === the folder ===


def test_only_the_owner_may_read_the_state(authority: EmbeddedAuthority) -> None:
    old = os.umask(0)
    try:
        authority.own(WEB)
        authority.revoke(7)
    finally:
        os.umask(old)
    folder = authority.state.path
    assert mode(folder) == 0o700
    modes = {path.name: mode(path) for path in folder.iterdir()}
    assert set(modes) == {"ca.pem", "ca.key.pem", "leaf.pem", "lock", "revoked.json", "crl.pem"}
    assert set(modes.values()) == {0o600}, modes


def test_a_root_key_that_others_can_read_is_refused(authority: EmbeddedAuthority) -> None:
    authority.initialise()
    (authority.state.path / "ca.key.pem").chmod(0o644)
    with pytest.raises(IdentityError, match=r"others can read \(mode 0644\)"):
        authority.issue(WEB)


def test_a_state_folder_of_another_trust_domain_is_refused(authority: EmbeddedAuthority) -> None:
    authority.initialise()
    with pytest.raises(IdentityError, match=r"trust domain `demo\.mesh`, not of `other\.mesh`"):
        EmbeddedAuthority(authority.state.path, "other.mesh").initialise()


def test_a_key_of_another_root_is_refused(authority: EmbeddedAuthority, tmp_path: Path) -> None:
    authority.initialise()
    other = EmbeddedAuthority(tmp_path / "other", "demo.mesh")
    other.initialise()
    (authority.state.path / "ca.key.pem").write_bytes((other.state.path / "ca.key.pem").read_bytes())
    with pytest.raises(IdentityError, match="is not the key of"):
        authority.issue(WEB)


def test_a_root_key_without_certificate_is_replaced(authority: EmbeddedAuthority) -> None:
    authority.initialise()
    (authority.state.path / "ca.pem").unlink()
    assert authority.initialise(), "a power cut between the two files must not block the next start"
    leaf_of(authority.issue(WEB)).verify_directly_issued_by(authority.root())


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IdentityError, match=r"cannot use .*file/state"):
        EmbeddedAuthority(tmp_path / "file" / "state", "demo.mesh").initialise()


def _initialise(path: Path) -> bool:
    return EmbeddedAuthority(path, "demo.mesh").initialise()


def test_processes_that_start_together_make_one_root(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        made = pool.map(_initialise, [tmp_path / "state"] * 6)
    assert sum(made) == 1, f"one process makes the root, the others find it: {made}"


# === our own leaf ===


def test_a_young_leaf_is_kept_over_a_restart(authority: EmbeddedAuthority, clock: Clock) -> None:
    first = authority.own(WEB, ["localhost"])
    clock.time += timedelta(hours=11)
    assert EmbeddedAuthority(authority.state.path, "demo.mesh", now=clock).own(WEB, ["localhost"]) == first


def test_a_leaf_is_replaced_at_half_its_life(authority: EmbeddedAuthority, clock: Clock) -> None:
    first = authority.own(WEB)
    assert first.renew_at == clock.time + timedelta(hours=12)
    clock.time += timedelta(hours=12)
    assert authority.own(WEB).serial != first.serial


@pytest.mark.parametrize(
    "asked",
    [
        (WEB, ("localhost",), timedelta(hours=24)),
        ("spiffe://demo.mesh/other", (), timedelta(hours=24)),
        (WEB, (), timedelta(hours=1)),
    ],
    ids=["other names", "other id", "shorter life"],
)
def test_a_leaf_that_is_not_as_asked_is_replaced(
    authority: EmbeddedAuthority, asked: tuple[str, tuple[str, ...], timedelta]
) -> None:
    first = authority.own(WEB)
    assert authority.own(*asked).serial != first.serial


def test_a_damaged_leaf_is_replaced(authority: EmbeddedAuthority) -> None:
    first = authority.own(WEB)
    (authority.state.path / "leaf.pem").write_text("half a fi")
    assert authority.own(WEB).serial != first.serial


def test_a_full_disk_does_not_cost_us_our_identity(
    authority: EmbeddedAuthority, capfd: pytest.CaptureFixture[str]
) -> None:
    authority.initialise()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for a log line, not for a certificate and its key.
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, limits[1]))
    try:
        identity = authority.own(WEB)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    leaf_of(identity).verify_directly_issued_by(authority.root())
    assert not (authority.state.path / "leaf.pem").exists()
    assert list(authority.state.path.glob(".leaf*")) == [], "no half-written file stays behind"
    assert "identity_not_kept" in capfd.readouterr().err


# === revocation ===


def test_a_revoked_serial_is_on_the_signed_list(authority: EmbeddedAuthority) -> None:
    serial = leaf_of(authority.issue(WEB)).serial_number
    assert authority.issue(WEB).crl_pem is None, "without revocations there is no list"
    assert authority.revoke(serial)
    assert not authority.revoke(serial), "the second time changes nothing"
    listing = x509.load_pem_x509_crl((authority.issue(WEB).crl_pem or "").encode())
    assert listing.get_revoked_certificate_by_serial_number(serial) is not None
    assert listing.is_signature_valid(authority.root().public_key())  # type: ignore[arg-type]
    assert list(authority.revoked()) == [f"{serial:x}"]


def test_our_own_leaf_is_replaced_when_it_is_revoked(authority: EmbeddedAuthority) -> None:
    first = authority.own(WEB)
    authority.revoke(int(first.serial, 16))
    assert authority.own(WEB).serial != first.serial


def test_a_damaged_list_of_revocations_is_named(authority: EmbeddedAuthority) -> None:
    authority.initialise()
    authority.revoke(5)
    (authority.state.path / "revoked.json").write_text("[]")
    with pytest.raises(IdentityError, match=r"revoked\.json is damaged"):
        authority.revoke(6)


# === an authority that is there already ===


def test_an_existing_authority_knows_its_trust_domain(authority: EmbeddedAuthority) -> None:
    authority.initialise()
    assert EmbeddedAuthority.existing(authority.state.path).trust_domain == "demo.mesh"


def test_an_empty_folder_is_no_authority(tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="`flatproxy ca init` makes one"):
        EmbeddedAuthority.existing(tmp_path)


def test_no_key_is_printed_with_an_identity(authority: EmbeddedAuthority) -> None:
    assert "PRIVATE KEY" not in repr(authority.issue(WEB))


def test_utc_now_has_whole_seconds() -> None:
    assert embedded.utc_now().microsecond == 0
