"""Rotation and reload: fresh certificates are taken up, bad ones never replace good ones."""

import json
import queue
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flatproxy.core.identity import (
    EmbeddedAuthority,
    FilesAuthority,
    Identity,
    IdentityError,
    Watch,
    signature,
)
from flatproxy.core.identity.source import EmbeddedSource

OURS = "spiffe://demo.mesh/flatproxy"


class Files:
    """A files authority and the hands that renew its files."""

    def __init__(self, folder: Path) -> None:
        self.authority = EmbeddedAuthority(folder / "authority", "demo.mesh")
        self.cert, self.key, self.ca, self.crl = (
            folder / name for name in ("cert.pem", "key.pem", "ca.pem", "crl.pem")
        )
        self.renew()

    def renew(self, spiffe_id: str = OURS) -> Identity:
        identity = self.authority.issue(spiffe_id)
        self.cert.write_text(identity.chain_pem)
        self.key.write_text(identity.key_pem)
        self.ca.write_text(identity.ca_pem)
        return identity

    def source(self, now: Callable[[], datetime] | None = None) -> FilesAuthority:
        clock = {} if now is None else {"now": now}
        return FilesAuthority("demo.mesh", cert=self.cert, key=self.key, ca=self.ca, **clock)  # type: ignore[arg-type]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def changes() -> "queue.Queue[Identity]":
    return queue.Queue()


def alarms(capfd: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    return [line for line in lines if line["event"] == "identity_not_renewed"]


def watching(source, changes, **options):
    seen = signature(source.watched())
    return Watch(source, source.load(), changes.put, seen=seen, **options)


# === files ===


def test_a_file_that_changes_while_it_is_read_is_no_news_lost(
    files: Files, changes: "queue.Queue[Identity]"
) -> None:
    source = files.source()
    seen = signature(source.watched())
    identity = source.load()
    renewed = files.renew()
    Watch(source, identity, changes.put, seen=seen).check()
    assert changes.get_nowait().serial == renewed.serial


def test_replaced_files_are_taken_up(files: Files, changes: "queue.Queue[Identity]") -> None:
    watch = watching(files.source(), changes)
    watch.check()
    assert changes.empty(), "files that did not change are no news"
    renewed = files.renew()
    watch.check()
    assert changes.get_nowait().serial == renewed.serial
    assert watch.rotations == 1


def test_a_bad_file_keeps_the_identity_and_raises_one_alarm(
    files: Files, changes: "queue.Queue[Identity]", capfd: pytest.CaptureFixture[str]
) -> None:
    source = files.source()
    watch = watching(source, changes)
    before = watch.identity
    files.cert.write_text("not a certificate")
    watch.check()
    assert alarms(capfd) == [], "half-way through a replacement is no alarm"
    watch.check()
    watch.check()
    (alarm,) = alarms(capfd)
    assert "cert.pem holds no certificate" in str(alarm["message"])
    assert (watch.identity, changes.empty()) == (before, True)
    assert watch.failing is not None
    renewed = files.renew()
    watch.check()
    assert (watch.identity.serial, watch.failing) == (renewed.serial, None)


def test_a_missing_file_keeps_the_identity(files: Files, changes: "queue.Queue[Identity]") -> None:
    watch = watching(files.source(), changes)
    files.key.unlink()
    watch.check()
    watch.check()
    assert changes.empty()
    assert watch.failing is not None
    assert "No such file" in watch.failing


def test_a_file_swapped_behind_a_link_is_seen(
    files: Files, changes: "queue.Queue[Identity]", tmp_path: Path
) -> None:
    """As Kubernetes mounts secrets: `cert.pem -> ..data/cert.pem`, and `..data` is replaced."""
    (tmp_path / "one").mkdir()
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (tmp_path / name).rename(tmp_path / "one" / name)
        (tmp_path / name).symlink_to(Path("data") / name)
    (tmp_path / "data").symlink_to("one")
    watch = watching(files.source(), changes)
    (tmp_path / "two").mkdir()
    renewed = files.authority.issue(OURS)
    (tmp_path / "two" / "cert.pem").write_text(renewed.chain_pem)
    (tmp_path / "two" / "key.pem").write_text(renewed.key_pem)
    (tmp_path / "two" / "ca.pem").write_text(renewed.ca_pem)
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").replace(tmp_path / "data")
    watch.check()
    assert changes.get_nowait().serial == renewed.serial


def test_key_and_certificate_must_fit(files: Files) -> None:
    files.key.write_text(files.authority.issue(OURS).key_pem)
    with pytest.raises(IdentityError, match=r"key\.pem is not the key of .*cert\.pem"):
        files.source().load()


@pytest.mark.parametrize(
    ("shift", "reason"), [(timedelta(days=2), "expired at"), (-timedelta(days=1), "before")]
)
def test_a_certificate_out_of_its_time_is_refused(files: Files, shift: timedelta, reason: str) -> None:
    with pytest.raises(IdentityError, match=reason):
        files.source(lambda: datetime.now(UTC) + shift).load()


def test_a_certificate_of_another_trust_domain_is_refused(files: Files) -> None:
    source = FilesAuthority("other.mesh", cert=files.cert, key=files.key, ca=files.ca)
    with pytest.raises(IdentityError, match=r"not of the trust domain `other\.mesh`"):
        source.load()


def test_a_bad_revocation_list_is_refused(files: Files) -> None:
    files.crl.write_text("nothing")
    source = FilesAuthority("demo.mesh", cert=files.cert, key=files.key, ca=files.ca, crl=files.crl)
    with pytest.raises(IdentityError, match=r"crl\.pem holds no revocation list"):
        source.load()


def test_a_revocation_list_is_part_of_the_identity(files: Files) -> None:
    files.authority.revoke(1)
    (files.authority.state.path / "crl.pem").rename(files.crl)
    source = FilesAuthority("demo.mesh", cert=files.cert, key=files.key, ca=files.ca, crl=files.crl)
    assert source.load().crl_pem == files.crl.read_text()


# === the embedded authority ===


def test_our_leaf_is_rotated_on_a_thread_before_it_expires(
    tmp_path: Path, changes: "queue.Queue[Identity]"
) -> None:
    authority = EmbeddedAuthority(tmp_path, "demo.mesh", now=lambda: datetime.now(UTC))
    source = EmbeddedSource(authority, OURS, (), timedelta(seconds=2))
    watch = watching(source, changes, now=lambda: datetime.now(UTC), poll_seconds=0.05)
    first = watch.identity
    watch.start()
    try:
        second = changes.get(timeout=10)
        assert second.serial != first.serial
        assert datetime.now(UTC) < first.not_after, "the old one is still good when the new one comes"
    finally:
        watch.stop()


def test_a_revocation_reaches_a_running_proxy(tmp_path: Path, changes: "queue.Queue[Identity]") -> None:
    authority = EmbeddedAuthority(tmp_path, "demo.mesh")
    source = EmbeddedSource(authority, OURS, (), timedelta(hours=24))
    watch = watching(source, changes)
    EmbeddedAuthority.existing(tmp_path).revoke(77)  # as `flatproxy ca revoke` does, in another process
    watch.check()
    renewed = changes.get_nowait()
    assert renewed.crl_pem is not None
    assert renewed.chain_pem == watch.identity.chain_pem, "the certificate itself stays"


def test_a_signature_that_fails_keeps_the_certificate(
    tmp_path: Path, changes: "queue.Queue[Identity]", capfd: pytest.CaptureFixture[str]
) -> None:
    time = datetime.now(UTC).replace(microsecond=0)
    authority = EmbeddedAuthority(tmp_path, "demo.mesh")
    source = EmbeddedSource(authority, OURS, (), timedelta(hours=24))
    watch = watching(source, changes, now=lambda: time + timedelta(hours=13))
    (tmp_path / "ca.key.pem").unlink()
    watch.check()
    watch.check()
    assert changes.empty()
    (alarm,) = alarms(capfd)
    assert "ca.key.pem" in str(alarm["message"])
    assert alarm["serves_until_seconds"] == pytest.approx(11 * 3600, abs=60)
