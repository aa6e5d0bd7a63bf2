"""Key sets: what is read from them, and that trouble with them keeps the keys that are there."""

import json

import pytest

from flatproxy.plugins.policy.jwks import KeySource, keys_of
from flatproxy.plugins.policy.options import JwtOptions
from tests.unit.plugins.policy.signing import Signer, key_set
from tests.unit.plugins.stand_ins import Told


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
