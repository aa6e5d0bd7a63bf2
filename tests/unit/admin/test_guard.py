"""Who may ask the admin address."""

import pytest

from flatproxy.admin.guard import Guard

LOOPBACK = Guard("127.0.0.1:9901", None)
WITH_TOKEN = Guard("0.0.0.0:9901", "s3cret")


def status(guard, path="/metrics", host="127.0.0.1:9901", origin=None, authorization=None):
    refusal = guard.refusal(path, host, origin, authorization)
    return refusal[0] if refusal else 200


@pytest.mark.parametrize("host", ["127.0.0.1:9901", "127.0.0.1", "localhost:9901", "LOCALHOST"])
def test_our_own_names_pass(host):
    assert status(LOOPBACK, host=host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9901", "10.0.0.1:9901", "", None, "[::1]:9901", "a b"]
)
def test_other_names_are_refused_as_a_rebound_name_would_be(host):
    assert status(LOOPBACK, host=host) == 421


def test_ipv6_is_ours_in_brackets():
    assert status(Guard("[::1]:9901", None), host="[::1]:9901") == 200
    assert status(Guard("[::1]:9901", None), host="[::1]") == 200


def test_with_a_token_any_name_will_do():
    assert status(WITH_TOKEN, host="proxy-1.internal:9901", authorization="Bearer s3cret") == 200


def test_pages_of_other_sites_are_refused():
    assert status(LOOPBACK, path="/reload", origin="http://evil.example") == 403
    assert status(LOOPBACK, path="/reload", origin="null") == 403
    assert status(LOOPBACK, path="/reload", origin="http://127.0.0.1:9901") == 200


@pytest.mark.parametrize(
    "authorization",
    [None, "", "s3cret", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "Bearer é"],
)
def test_without_the_token_nothing_is_told(authorization):
    assert status(WITH_TOKEN, authorization=authorization) == 401


def test_the_token_opens_every_path():
    for path in ("/metrics", "/plan", "/reload", "/status"):
        assert status(WITH_TOKEN, path=path, authorization="bearer s3cret") == 200


def test_probes_need_no_token():
    for path in ("/healthz", "/ready"):
        assert status(WITH_TOKEN, path=path) == 200
