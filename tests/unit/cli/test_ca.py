"""`flatproxy ca` as an operator uses it; openssl, which none of us wrote, judges what comes out."""

import subprocess

import pytest
from typer.testing import CliRunner

from flatproxy.cli.main import app


@pytest.fixture
def flatproxy(tmp_path, monkeypatch):
    """Runs a command in an empty folder; returns exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        return done.exit_code, done.stdout, done.stderr

    return run


@pytest.fixture
def authority(flatproxy):
    assert flatproxy("ca", "init", "--trust-domain", "demo.mesh")[0] == 0
    return flatproxy


def openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], check=False, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


ISSUE = ("ca", "issue", "--id", "spiffe://demo.mesh/shop/web", "--out", "web")


def test_init_makes_a_root_once(flatproxy, tmp_path):
    assert flatproxy("ca", "init", "--trust-domain", "demo.mesh")[1].startswith("Made the root of demo.mesh")
    before = (tmp_path / ".flatproxy" / "ca.pem").read_bytes()
    assert flatproxy("ca", "init", "--trust-domain", "demo.mesh")[1].startswith("Found the root of demo.mesh")
    assert (tmp_path / ".flatproxy" / "ca.pem").read_bytes() == before


def test_init_refuses_a_folder_of_another_trust_domain(authority):
    code, _, errors = authority("ca", "init", "--trust-domain", "other.mesh")
    assert code == 1
    assert "demo.mesh" in errors


@pytest.mark.needs("openssl")
def test_an_issued_certificate_is_one_that_openssl_accepts(authority, tmp_path):
    code, output, _ = authority(*ISSUE, "--name", "localhost", "--name", "127.0.0.1")
    assert code == 0
    assert "serial " in output
    for purpose in ("sslserver", "sslclient"):
        assert openssl(
            tmp_path, "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "web/ca.pem", "web/cert.pem"
        ) == (
            0,
            "web/cert.pem: OK\n",
        )
    text = openssl(tmp_path, "x509", "-noout", "-ext", "subjectAltName", "-in", "web/cert.pem")[1]
    assert "URI:spiffe://demo.mesh/shop/web, DNS:localhost, IP Address:127.0.0.1" in text


def test_only_the_owner_can_read_an_issued_key(authority, tmp_path):
    authority(*ISSUE)
    assert (tmp_path / "web" / "key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.needs("openssl")
def test_a_revoked_certificate_is_on_the_list(authority, tmp_path):
    authority(*ISSUE)
    assert authority("ca", "revoke", "--cert", "web/cert.pem")[0] == 0
    verify = (
        "verify",
        "-crl_check",
        "-CAfile",
        ".flatproxy/ca.pem",
        "-CRLfile",
        ".flatproxy/crl.pem",
        "web/cert.pem",
    )
    code, text = openssl(tmp_path, *verify)
    assert code != 0
    assert "certificate revoked" in text
    serial = text and authority("ca", "show")[1].split("revoked")[1].split()[0]
    assert authority("ca", "revoke", serial)[1].startswith("Was revoked already")
    authority("ca", "issue", "--id", "spiffe://demo.mesh/other", "--out", "other")
    assert openssl(tmp_path, *verify[:-1], "other/cert.pem")[0] == 0


def test_a_certificate_of_somebody_else_cannot_be_revoked(authority, tmp_path):
    other = ("--state", "elsewhere")
    authority("ca", "init", "--trust-domain", "demo.mesh", *other)
    authority(*ISSUE, *other)
    code, _, errors = authority("ca", "revoke", "--cert", "web/cert.pem")
    assert (code, "not issued by this authority" in errors) == (1, True)


def test_show_tells_what_peers_need(authority, tmp_path):
    output = authority("ca", "show")[1]
    assert "trust domain  demo.mesh" in output
    assert authority("ca", "show", "--pem")[1] == (tmp_path / ".flatproxy" / "ca.pem").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (
            ("issue", "--id", "spiffe://other.mesh/web", "--out", "web"),
            1,
            "not of the trust domain `demo.mesh`",
        ),
        (("issue", "--id", "web", "--out", "web"), 1, "must begin with `spiffe://`"),
        (("issue", "--id", "spiffe://demo.mesh/web", "--out", "web", "--lifetime", "3x"), 2, "such as 24h"),
        (("issue", "--id", "spiffe://demo.mesh/web", "--out", ".flatproxy/lock/web"), 1, "cannot write to"),
        (("issue", "--id", "spiffe://demo.mesh/web"), 2, "--out"),
        (("revoke",), 2, "either SERIAL or --cert"),
        (("revoke", "xyz"), 2, "hexadecimal"),
        (("revoke", "--cert", "nothing.pem"), 1, "cannot read nothing.pem"),
        (("show", "--state", "nowhere"), 1, "`flatproxy ca init` makes one"),
    ],
)
def test_what_went_wrong_is_said_plainly(authority, tmp_path, arguments, code, part):
    result = authority("ca", *arguments)
    assert (result[0], result[1]) == (code, "")
    assert part in " ".join(result[2].replace("│", " ").split())
    assert not (tmp_path / "web").exists(), "a refused certificate leaves nothing behind"


def test_help_shows_an_example(flatproxy):
    for verb in ("init", "issue", "show", "revoke"):
        assert f"Example: flatproxy ca {verb}" in flatproxy("ca", verb, "--help")[1]
