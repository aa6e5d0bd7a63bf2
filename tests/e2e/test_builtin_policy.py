"""The filter `policy` on a route: certificates, tokens and keys that change, over real sockets."""

import json

import pytest

from tests.e2e.stand.client import Client, Cut, member
from tests.e2e.stand.deployment import listener, route, until, upstream
from tests.e2e.stand.service import response
from tests.unit.plugins.policy.signing import Signer, key_set

COUNTED = "flatproxy_filter_policy_decisions_total"


@pytest.fixture
def protect(deploy, service):
    """Starts a FlatProxy with such a policy in front of the service."""

    def begin(options, **more):
        filters = [{"use": "policy", "options": options}]
        proxy = deploy(
            listeners=[listener(route(filters=filters), **more.pop("listening", {}))],
            upstreams=[upstream(service.address)],
            **more,
        )
        begin.proxy = proxy
        return proxy

    return begin


def ask(proxy, path="/", *lines, method="GET", tls=None):
    with Client(proxy.address(), tls) as client:
        return client.get(path, *lines, method=method)


def test_who_is_known_by_a_certificate_may_do_what_the_rules_say(protect, mesh, service):
    rules = {
        "allow": [
            {
                "name": "shop reads",
                "from": "spiffe://demo.mesh/shop/*",
                "methods": ["GET"],
                "paths": ["/v1/**"],
            }
        ],
        "deny": [{"name": "no secrets", "paths": [{"prefix": "/v1/secret"}]}],
    }
    proxy = protect(rules, identity=mesh.identity, listening={"tls": {"mode": "mutual"}})
    cart = trusted(mesh, "cart", "spiffe://demo.mesh/shop/cart")
    thief = trusted(mesh, "thief", "spiffe://demo.mesh/thief")
    assert ask(proxy, "/v1/orders", tls=cart).status == 200
    refused = ask(proxy, "/v1/orders", tls=thief)
    assert (refused.status, refused.body) == (403, b"not allowed\n")
    assert ask(proxy, "/v1/orders", method="POST", tls=cart).status == 403
    for way in ("/v1/secret", "/v1/x/../secret/a", "/v1/%73ecret", "//v1//secret"):
        assert ask(proxy, way, tls=cart).status == 403, f"{way} is the path that the rule names"
    assert len(service.requests) == 1, "the service only saw what was let in"
    assert proxy.metric(COUNTED, rule="shop reads", decision="allow") == 1
    assert proxy.metric(COUNTED, rule="no secrets", decision="refuse") == 4
    line = proxy.program.event("filter", filter="policy")
    assert (line["fields"]["rule"], line["fields"]["peer"]) == ("default", "spiffe://demo.mesh/thief")


def trusted(mesh, name, identity):
    """What a client needs to be taken for `identity`."""
    return member(mesh.folder / "ca.pem", mesh.issue(name, uris=(identity,)))


def test_who_is_refused_when_a_connection_is_made_gets_no_answer(protect, mesh, service):
    rules = {"when": "connect", "allow": [{"name": "shop", "from": "spiffe://demo.mesh/shop/*"}]}
    proxy = protect(rules, identity=mesh.identity, listening={"tls": {"mode": "mutual"}})
    with Client(proxy.address(), trusted(mesh, "cart", "spiffe://demo.mesh/shop/cart")) as cart:
        assert [cart.get("/").status for _ in range(3)] == [200, 200, 200]
    with (
        pytest.raises(Cut),
        Client(proxy.address(), trusted(mesh, "thief", "spiffe://demo.mesh/thief")) as thief,
    ):
        thief.get("/")
    assert len(service.requests) == 3
    assert proxy.metric(COUNTED, rule="shop", decision="allow") == 1, "once for the connection"
    assert proxy.metric(COUNTED, rule="default", decision="refuse") == 1


def test_a_dry_run_lets_everybody_in(protect):
    proxy = protect({"allow": [], "dry_run": True})
    assert ask(proxy).status == 200
    assert proxy.metric(COUNTED, rule="default", decision="would_refuse") == 1


def test_tokens_are_checked_with_keys_from_a_file(protect, tmp_path):
    signer = Signer("RS256")
    (tmp_path / "keys.json").write_bytes(key_set(signer))
    proxy = protect(
        {"allow": [{"claims": {"scope": "read"}}], "jwt": {"jwks": "keys.json", "audience": "shop"}}
    )
    missing = ask(proxy)
    assert (missing.status, missing.headers["www-authenticate"]) == (401, "Bearer")
    assert bearer(proxy, signer.token(scope="read write", aud="shop")).status == 200
    assert bearer(proxy, signer.token(scope="write", aud="shop")).status == 403
    bad = bearer(proxy, signer.token(scope="read", aud="other"))
    assert (bad.status, bad.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


def bearer(proxy, token):
    return ask(proxy, "/", f"authorization: Bearer {token}")


def test_keys_come_from_a_url_and_a_new_one_is_fetched_when_a_token_names_it(protect, serve):
    old, new = Signer("ES256", "old"), Signer("EdDSA", "new")
    answers = [key_set(old), b"no json", key_set(old, new)]

    async def publish(conversation):
        while await conversation.request():
            await conversation.send(response(answers.pop(0) if len(answers) > 1 else answers[0]))

    keys = serve(publish)
    url = f"http://{keys.address}/keys"
    proxy = protect({"allow": [{"claims": {"sub": "me"}}], "jwt": {"jwks": url, "refresh": "50ms"}})
    until(lambda: bearer(proxy, old.token(sub="me")).status == 200, "the keys should be there soon")
    assert bearer(proxy, new.token(sub="me")).status == 401
    until(
        lambda: bearer(proxy, new.token(sub="me")).status == 200,
        "the new key should be fetched, past a failure",
    )
    assert bearer(proxy, old.token(sub="me")).status == 200
    assert proxy.metric("flatproxy_filter_policy_jwks_readings_total", result="failed") == 1


def test_without_keys_nobody_comes_in_and_the_client_may_try_again(protect, free_port):
    url = f"http://127.0.0.1:{free_port}/keys"
    proxy = protect({"allow": [{"claims": {"sub": "me"}}], "jwt": {"jwks": url}})
    told = bearer(proxy, Signer().token(sub="me"))
    assert (told.status, told.headers["retry-after"]) == (503, "1")
    line = proxy.program.event("filter", filter="policy", message="the keys cannot be read")
    assert line["fields"]["jwks"] == url


def test_a_file_that_has_no_keys_keeps_the_old_policy(protect, tmp_path, service):
    proxy = protect({"allow": [{}]})
    (tmp_path / "keys.json").write_text(json.dumps({"keys": []}))
    filters = [{"use": "policy", "options": {"allow": [], "jwt": {"jwks": "keys.json"}}}]
    proxy.configure(
        listeners=[listener(route(filters=filters))],
        upstreams=[upstream(service.address)],
    )
    code, said = proxy.reload()
    assert (code, "the key set has no public key" in said) == (1, True), said
    assert ask(proxy).status == 200
