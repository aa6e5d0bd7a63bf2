"""Tokens: which are good, what the client is told about the others, and which claims a rule takes."""

import base64
import hmac
import json

import jwt
import pytest

from flatproxy.plugins.policy.filter import Policy
from flatproxy.plugins.policy.options import PolicyOptions
from tests.unit.plugins.policy.signing import Signer, key_set
from tests.unit.plugins.stand_ins import Told, exchange

ANY_TOKEN = {"exp": {"present": True}}


@pytest.fixture(scope="module")
def signer():
    return Signer()


@pytest.fixture
def ask(tmp_path, signer):
    """Asks a policy with one rule about claims; returns status, challenge and why."""
    made = []

    def run(token=None, claims=ANY_TOKEN, signers=(signer,), deny=(), **jwt_options):
        (tmp_path / "keys.json").write_bytes(key_set(*signers))
        options = {
            "allow": [{"claims": claims}],
            "deny": list(deny),
            "jwt": {"jwks": "keys.json", **jwt_options},
        }
        policy = Policy(PolicyOptions.model_validate(options, context={"folder": tmp_path}))
        policy.open(Told())
        made.append(policy)
        told = Told()
        headers = () if token is None else (("authorization", f"Bearer {token}"),)
        answer = policy.on_request(exchange("GET", "/", *headers, told=told))
        run.why = told.lines[0][1].get("why", "") if told.lines else ""
        run.policy = policy
        return (answer.status, dict(answer.headers).get(b"www-authenticate")) if answer else None

    yield run
    for policy in made:
        policy.close()


MISSING = (401, b"Bearer")
BAD = (401, b'Bearer error="invalid_token"')


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_each_algorithm_is_checked(ask, algorithm):
    own, other = Signer(algorithm), Signer(algorithm)
    assert ask(own.token(), signers=[own]) is None
    assert ask(other.token(), signers=[own]) == BAD
    assert ask(own.token(), signers=[own], algorithms=[{"RS256": "ES256"}.get(algorithm, "RS256")]) == BAD


def test_a_missing_token_is_asked_for(ask):
    assert ask() == MISSING
    assert ask("") == MISSING


def test_times_count_with_the_skew_of_the_clocks(ask, signer):
    assert ask(signer.token(lasts=-10)) is None
    assert ask(signer.token(lasts=-10), clock_skew=0) == BAD
    assert ask(signer.token(lasts=-60)) == BAD
    assert ask(signer.token(exp=None)) == BAD, "a token without an end is none"
    assert ask(signer.token(nbf=4_000_000_000)) == BAD


def test_issuer_and_audience_are_checked_where_named(ask, signer):
    token = signer.token(iss="https://id.demo", aud=["shop", "pay"])
    assert ask(token) is None
    assert ask(token, issuer="https://id.demo", audience="pay") is None
    assert ask(token, issuer="https://other.demo") == BAD
    assert ask(token, audience="other") == BAD
    assert ask(signer.token(), audience="pay") == BAD


def encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_a_token_that_is_not_signed_by_a_private_key_is_bad(ask, signer):
    # Signed with what everybody knows, as if it were a secret.
    content = f"{encoded({'alg': 'HS256', 'kid': 'k1'})}.{encoded({'exp': 4_000_000_000})}"
    digest = hmac.digest(json.dumps(signer.published()).encode(), content.encode(), "sha256")
    forged = f"{content}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    unsigned = f"{encoded({'alg': 'none'})}.{encoded({'exp': 4_000_000_000})}."
    for token in (forged, unsigned, "a.b.c", "\udcff", "." * 50, encoded([]) + ".e30.x"):
        assert ask(token) == BAD, token
    head, _, signature = signer.token(sub="me").split(".")
    assert ask(f"{head}.{encoded({'exp': 4_000_000_000, 'sub': 'you'})}.{signature}") == BAD


def test_a_key_is_used_by_its_id_and_one_without_is_tried(ask, signer):
    nameless = Signer(key_id=None)
    assert ask(nameless.token(), signers=[signer, nameless]) is None
    assert ask(signer.token(headers={"kid": "other"})) == BAD
    assert "no key 'other'" in ask.why


def test_two_tokens_are_none(ask, signer):
    ask(signer.token())
    lines = [("authorization", f"Bearer {signer.token()}")] * 2
    assert ask.policy.on_request(exchange("GET", "/", *lines)).status == 401


# === claims ===


@pytest.mark.parametrize(
    ("wanted", "claims", "fits"),
    [
        ({"sub": "me"}, {"sub": "me"}, True),
        ({"sub": "me"}, {"sub": "you"}, False),
        ({"sub": ["me", "you"]}, {"sub": "you"}, True),
        ({"sub": {"prefix": "svc-"}}, {"sub": "svc-a"}, True),
        ({"groups": "admin"}, {"groups": ["dev", "admin"]}, True),
        ({"groups": "admin"}, {"groups": ["administrator"]}, False),
        ({"scope": "read"}, {"scope": "write read"}, True),
        ({"scope": "read"}, {"scope": "reader"}, False),
        ({"admin": True}, {"admin": True}, True),
        ({"admin": True}, {"admin": 1}, False),
        ({"level": 1}, {"level": True}, False),
        ({"level": 1}, {"level": 1}, True),
        ({"level": "1"}, {"level": 1}, False),
        ({"sub": "me"}, {}, False),
        ({"act": {"present": False}}, {"act": {}}, False),
        ({"sub": "me", "admin": True}, {"sub": "me"}, False),
    ],
)
def test_claims_match_by_value_and_type(ask, signer, wanted, claims, fits):
    assert ask(signer.token(**claims), claims=wanted) == (None if fits else (403, None))


def test_no_bad_token_comes_past_a_deny_rule_about_claims(ask, signer):
    denies = [{"claims": {"sub": "banned"}}]
    assert ask(signer.token(sub="banned"), deny=denies) == (403, None)
    assert ask(signer.token(sub="me"), deny=denies) is None
    assert ask(signer.token(lasts=-600), deny=denies) == BAD


# === what is remembered ===


def test_a_token_is_checked_once_until_the_keys_change(ask, signer, tmp_path, monkeypatch):
    token = signer.token(sub="me")
    ask(token)
    request = exchange("GET", "/", ("authorization", f"bearer {token}"))
    with monkeypatch.context() as patched:
        patched.setattr(jwt, "decode", None)
        assert ask.policy.on_request(request) is None, "it was checked before"
    (tmp_path / "keys.json").write_bytes(key_set(Signer(key_id="k1")))
    ask.policy._keys._refresh()
    assert ask.policy.on_request(request).status == 401, "the key that vouched for it is gone"


def test_a_remembered_token_ends_too(ask, signer, monkeypatch):
    token = signer.token(lasts=100)
    ask(token)
    monkeypatch.setattr("time.time", lambda: 4_000_000_000.0)
    monkeypatch.setattr(
        jwt, "decode", lambda *_, **__: (_ for _ in ()).throw(jwt.ExpiredSignatureError("over"))
    )
    assert ask.policy.on_request(exchange("GET", "/", ("authorization", f"bearer {token}"))).status == 401
