"""Certificate files: what can be used, and what is said of what cannot."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from flatproxy.config.credentials import CredentialError, read_authority, read_pair, read_revocations
from flatproxy.config.listeners import CertificateFiles
from flatproxy.core.identity import EmbeddedAuthority


@pytest.fixture
def files(tmp_path, authority):
    """A certificate and its key, on disk."""
    identity = authority.issue("spiffe://demo.mesh/x")
    (tmp_path / "own.pem").write_text(identity.chain_pem)
    (tmp_path / "own.key").write_text(identity.key_pem)
    (tmp_path / "own.key").chmod(0o600)
    (tmp_path / "ca.pem").write_text(identity.ca_pem)
    return CertificateFiles(cert=tmp_path / "own.pem", key=tmp_path / "own.key")


def refusal(read, *arguments):
    with pytest.raises(CredentialError) as caught:
        read(*arguments)
    return caught.value.part, str(caught.value)


def write_key(files, key, encryption=None):
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    files.key.write_bytes(pem)


def test_a_certificate_and_its_key_are_read_as_they_are(files):
    pair = read_pair(files)
    assert pair.chain_pem == files.cert.read_text(), "the chain goes into the plan word for word"
    assert "PRIVATE" not in repr(pair), "a key must not get into a log"


def test_files_that_are_not_there_are_named(files):
    files.key.unlink()
    assert refusal(read_pair, files) == ("key", f"cannot read {files.key}: no such file or directory")


def test_a_key_in_place_of_a_certificate_is_recognised(files):
    files.cert.write_text(files.key.read_text())
    message = f"{files.cert} holds no certificate (PEM): it holds a private key"
    assert refusal(read_pair, files) == ("cert", message)


def test_a_certificate_that_was_cut_is_refused(files):
    files.cert.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert refusal(read_pair, files) == ("cert", f"{files.cert} holds a certificate that cannot be read")


def test_binary_files_are_refused(files):
    files.cert.write_bytes(b"\x30\x82\xff")
    message = f"{files.cert} is not PEM: it holds bytes that are no text"
    assert refusal(read_pair, files) == ("cert", message)


def test_a_folder_is_refused(files, tmp_path):
    assert refusal(read_authority, tmp_path, "ca") == ("ca", f"{tmp_path} is no file")


def test_the_key_of_another_certificate_is_refused(files):
    write_key(files, ec.generate_private_key(ec.SECP256R1()))
    assert refusal(read_pair, files) == ("key", f"{files.key} is not the key of {files.cert}")


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (rsa.generate_private_key(65537, 1024), "an RSA key of 1024 bits; it needs 2048 or more"),
        (ec.generate_private_key(ec.SECP256K1()), "a key on the curve secp256k1; use P-256, P-384 or P-521"),
        (dsa.generate_private_key(1024), "a kind of key that TLS does not take; use ECDSA P-256"),
    ],
    ids=["rsa", "curve", "dsa"],
)
@pytest.mark.filterwarnings("ignore")  # weak on purpose
def test_keys_that_tls_would_refuse_are_refused_early(files, key, problem):
    write_key(files, key)
    assert refusal(read_pair, files) == ("key", f"{files.key} holds {problem}")


def test_an_encrypted_key_is_refused(files):
    write_key(files, ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"secret"))
    message = f"{files.key} is encrypted; a key without a passphrase is needed"
    assert refusal(read_pair, files) == ("key", message)


def test_a_certificate_that_expired_is_refused(files, tmp_path):
    past = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
    old = EmbeddedAuthority(tmp_path / "old", "demo.mesh", now=lambda: past).issue("spiffe://demo.mesh/x")
    files.cert.write_text(old.chain_pem)
    part, message = refusal(read_pair, files)
    assert part == "cert"
    assert message.startswith(f"{files.cert} expired on "), "the operator is told since when"


def test_a_leaf_is_no_authority(files):
    part, message = refusal(read_authority, files.cert, "client_ca")
    assert part == "client_ca"
    assert message.startswith(f"{files.cert} holds a certificate that is no CA ("), message


def test_an_authority_is_read_as_it_is(files):
    path = files.cert.with_name("ca.pem")
    assert read_authority(path, "ca") == path.read_text()


def test_a_revocation_list_must_be_one(files):
    assert refusal(read_revocations, files.cert, "crl") == (
        "crl",
        f"{files.cert} holds no revocation list (PEM)",
    )


def revoking(folder, number=1):
    """An authority, its CA file, and its revocation list."""
    authority = EmbeddedAuthority(folder, "demo.mesh")
    authority.initialise()
    authority.revoke(number)
    return folder / "ca.pem", folder / "crl.pem"


MUTUAL = """\
identity: {{trust_domain: demo.mesh}}
listeners:
- name: web
  listen: 127.0.0.1:80
  tls: {{mode: mutual, client_ca: {ca},
    crl: {crl}}}
  routes: [{{name: all, redirect: {{path: /}}}}]
"""


def test_a_revocation_list_of_the_authority_is_taken(tmp_path, load_text):
    ca, crl = revoking(tmp_path / "a")
    assert load_text(MUTUAL.format(ca=ca, crl=crl)).source.warnings == (), "signed by the CA that it is for"


def test_a_revocation_list_of_someone_else_is_refused(tmp_path, problems):
    ca, _ = revoking(tmp_path / "a")
    _, crl = revoking(tmp_path / "b")
    assert problems(MUTUAL.format(ca=ca, crl=crl)) == [f"6:10: {crl} is signed by none of the CAs in {ca}"]


def test_one_bad_list_among_several_is_found(tmp_path, problems):
    ca, crl = revoking(tmp_path / "a")
    crl.write_text(crl.read_text() + revoking(tmp_path / "b")[1].read_text())
    assert problems(MUTUAL.format(ca=ca, crl=crl)) == [f"6:10: {crl} is signed by none of the CAs in {ca}"]


def test_a_revocation_list_out_of_date_is_a_warning(tmp_path, load_text):
    past = datetime.now(UTC).replace(microsecond=0) - timedelta(days=4000)
    authority = EmbeddedAuthority(tmp_path / "old", "demo.mesh", now=lambda: past)
    authority.initialise()
    authority.revoke(1)
    crl = tmp_path / "old/crl.pem"
    (warning,) = load_text(MUTUAL.format(ca=tmp_path / "old/ca.pem", crl=crl)).source.warnings
    assert warning.message.startswith(f"{crl} is out of date since "), "the core would refuse every client"


def test_a_file_points_at_credentials_that_do_not_fit(files, problems, authority):
    files.key.write_text(authority.issue("spiffe://demo.mesh/y").key_pem)
    text = f"""\
listeners:
- name: web
  listen: 127.0.0.1:80
  tls: {{mode: simple, certificates: [{{cert: {files.cert}, key: {files.key}}}]}}
  routes: [{{name: all, redirect: {{path: /}}}}]
"""
    column = text.splitlines()[3].index(str(files.key)) + 1
    assert problems(text) == [f"4:{column}: {files.key} is not the key of {files.cert}"]


def test_a_key_that_others_can_read_is_a_warning(files, load_text):
    files.key.chmod(0o644)
    text = f"""\
listeners:
- name: web
  listen: 127.0.0.1:80
  tls: {{mode: simple, certificates: [{{cert: {files.cert}, key: {files.key}}}]}}
  routes: [{{name: all, redirect: {{path: /}}}}]
"""
    (warning,) = load_text(text).source.warnings
    assert warning.message == f"{files.key} is open to others (mode 0644); run: chmod 600 {files.key}"


@pytest.mark.needs("openssl")
def test_what_openssl_makes_is_taken(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=a.demo",
        "-days",
        "1",
    ]
    subprocess.run([*command, "-out", cert, "-keyout", key], check=True, capture_output=True)
    assert read_pair(CertificateFiles(cert=cert, key=key)), "the most common way to make one"
    assert read_authority(cert, "ca"), "a self-signed certificate of openssl is a CA"
