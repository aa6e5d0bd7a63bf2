"""Key sets: what is read from them, and that trouble with them keeps the keys that are there."""

import json
import ssl

import pytest

from flatproxy.plugins.policy import jwks
from flatproxy.plugins.policy.jwks import KeySource, keys_of
from flatproxy.plugins.policy.options import JwtOptions
from flatproxy.plugins.policy.tokens import TokenReader, TokenState
from tests.e2e.stand.certificates import Authority, Mesh
from tests.e2e.stand.deployment import until
from tests.e2e.stand.service import Service, response
from tests.unit.plugins.policy.signing import Signer, key_set
from tests.unit.plugins.stand_ins import Fields, Told


def published(**changes):
    return json.dumps(
        {"keys": [{**Signer().published(), **changes}, Signer("EdDSA", "other").published()]}
    ).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"alg": "ES512"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"crv": "P-521"},
        {"x": "!"},
        {"x": 1},
    ],
)
def test_keys_for_other_purposes_are_left_out(changes):
    assert [key.id for key in keys_of(published(**changes))] == ["other"]


def test_the_private_half_is_not_kept():
    assert [key.id for key in keys_of(published(d="AAAA"))] == ["k1", "other"]


@pytest.mark.parametrize(
    "document", [b"", b"[]", b'{"keys": 1}', b'{"keys": []}', b'{"keys": [1]}', b"\xff", b"[" * 99999]
)
def test_a_document_without_keys_is_told(document):
    with pytest.raises(ValueError, match="the key set"):
        keys_of(document)


def test_a_file_without_keys_refuses_the_plan(tmp_path):
    (tmp_path / "keys.json").write_text("{}")
    with pytest.raises(ValueError, match="no list `keys`"):
        KeySource(JwtOptions(jwks=str(tmp_path / "keys.json"))).open(Told())


def test_trouble_keeps_the_keys_that_are_there(tmp_path):
    file, told = tmp_path / "keys.json", Told()
    file.write_bytes(key_set(Signer()))
    source = KeySource(JwtOptions(jwks=str(file)))
    source.open(told)
    before = source.keys
    file.write_text("half a docu")
    source._refresh()
    assert source.keys is before
    assert told.counters["jwks_readings_total"].amounts == {("failed",): 1}
    assert told.lines[0][0] == "the keys cannot be read"
    file.write_bytes(key_set(Signer(key_id="k2")))
    source._refresh()
    assert [key.id for key in source.keys] == ["k2"]
    source.close()
    source._thread.join(10)
    assert not source._thread.is_alive(), "close ends the thread"


# === from a URL ===


@pytest.fixture
def publisher(tmp_path):
    """Publishes over https what `documents` ends with."""
    mesh = Mesh.found(tmp_path)
    files = mesh.issue("keys", dns=("localhost",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.cert, files.key)
    documents = [key_set(Signer(key_id="old"))]

    async def publish(conversation):
        while await conversation.request():
            await conversation.send(response(documents[-1]))

    with Service(publish, tls=context) as service:
        service.documents = documents
        yield service


@pytest.fixture
def read_from(publisher):
    """Begins to read the keys over https, as who trusts that authority."""
    opened = []

    def begin(ca):
        options = JwtOptions(jwks=f"https://localhost:{publisher.port}/keys", ca=ca, refresh="1h")
        source, told = KeySource(options), Told()
        source.open(told)
        opened.append(source)
        return source, told, options

    yield begin
    for source in opened:
        source.close()
        source._thread.join(10)


def test_keys_are_fetched_over_https_from_whom_the_operators_authority_vouches_for(read_from, tmp_path):
    source, _, _ = read_from(tmp_path / "ca.pem")
    until(lambda: source.keys, "the keys should be fetched")
    assert [key.id for key in source.keys] == ["old"]


def test_keys_of_whom_nobody_vouches_for_are_not_taken(read_from, publisher, tmp_path):
    stranger = Authority("stranger").write(tmp_path, "stranger.pem")
    source, told, _ = read_from(stranger)
    until(lambda: told.lines, "the failure should be logged")
    assert "CERTIFICATE_VERIFY_FAILED" in str(told.lines[0][1]["error"])
    assert source.keys is None
    assert not publisher.requests


def test_a_token_with_an_unknown_key_has_the_keys_read_early(read_from, publisher, tmp_path, monkeypatch):
    monkeypatch.setattr(jwks, "PAUSE_SECONDS", 0.05)
    source, _, options = read_from(tmp_path / "ca.pem")
    until(lambda: source.keys, "the keys should be fetched")
    new = Signer("EdDSA", "new")
    publisher.documents.append(key_set(new))
    reader, shown = TokenReader(options, source), Fields(("authorization", f"Bearer {new.token()}"))
    assert reader.read(shown).state is TokenState.BAD, "nobody waits for the key"
    until(
        lambda: reader.read(shown).state is TokenState.GOOD, "the new key should be read long before the hour"
    )
    assert len(publisher.requests) in {2, 3}, "however often it was asked for: at most one wish is left over"


def test_tokens_with_unknown_keys_do_not_storm_the_publisher(read_from, publisher, tmp_path):
    source, _, options = read_from(tmp_path / "ca.pem")
    until(lambda: source.keys, "the keys should be fetched")
    reader = TokenReader(options, source)
    for number in range(50):
        unknown = Signer("EdDSA", f"key-{number}").token()
        assert reader.read(Fields(("authorization", f"Bearer {unknown}"))).state is TokenState.BAD
    assert len(publisher.requests) == 1, "between two readings there is a pause"
