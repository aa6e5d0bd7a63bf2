"""What an operator may write, and whose bucket a request takes from."""

import pytest
from pydantic import ValidationError

from flatproxy.plugins.rate_limit.keys import LONGEST_TEXT, digest, key_of, network_of
from flatproxy.plugins.rate_limit.options import RateLimitOptions
from tests.unit.plugins.stand_ins import exchange

REDIS = "redis://cache.demo:6379/0"


def options(**given):
    return RateLimitOptions.model_validate({"per_second": 10, **given})


@pytest.mark.parametrize(
    ("given", "rate", "capacity"),
    [
        ({"per_second": 100, "burst": 20}, 100, 20),
        ({"per_second": 100}, 100, 100),
        ({"per_minute": 90}, 1.5, 2),
        ({"per_minute": 6}, 0.1, 1),
        ({"per_hour": 3600, "burst": 50}, 1, 50),
    ],
)
def test_the_rate_and_the_burst(given, rate, capacity):
    made = RateLimitOptions.model_validate(given)
    assert (made.rate, made.capacity) == (pytest.approx(rate), capacity)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"per_second": None}, "needs exactly one of per_second, per_minute, per_hour"),
        ({"per_minute": 5}, "needs exactly one of per_second, per_minute, per_hour"),
        ({"per_second": 0}, "greater than or equal to 1"),
        ({"per_second": 0.5}, "valid integer"),
        ({"per_second": 10**7}, "less than or equal to 1000000"),
        ({"burst": 0}, "greater than or equal to 1"),
        ({"key": []}, "must not be empty"),
        ({"key": "pear"}, "'peer', 'address' or 'path'"),
        ({"key": {}}, "needs exactly one of of, header"),
        ({"key": {"header": "x user"}}, "must be the name of a header, not 'x user'"),
        ({"key": {"cookie": "x"}}, "cookie"),
        ({"name": 'a"b'}, "must be letters, digits"),
        ({"status": 200}, "greater than or equal to 400"),
        ({"headers": "sometimes"}, "'limited', 'all' or 'none'"),
        ({"redis": {}}, "url"),
        ({"redis": {"url": REDIS, "fail": "maybe"}}, "'local', 'open' or 'closed'"),
        ({"redis": {"url": REDIS, "ca": "ca.pem"}}, "has `ca`, which is for a rediss:// URL"),
        (
            {"redis": {"url": "redis://:sesame@cache.demo", "password_file": "p"}},
            "has a password in `url` and a `password_file`",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(given, said):
    with pytest.raises(ValidationError) as caught:
        options(**given)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://:sesame@cache.demo", "redis://", "unix://", "redis://:sesame@a:port", "redis://:sesame@[a"],
)
def test_a_url_that_is_refused_is_not_repeated(url):
    with pytest.raises(ValidationError) as caught:
        options(redis={"url": url})
    [error] = caught.value.errors()
    assert error["msg"] == "must be redis://host:port/0, rediss:// (TLS), or unix:///path/of/its.sock"


def test_a_password_is_not_shown_with_the_options():
    made = options(redis={"url": "redis://me:sesame@cache.demo:6379/0"})
    assert "sesame" not in repr(made)
    assert made == options(redis={"url": "redis://me:sesame@cache.demo:6379/0"})
    assert made != options(redis={"url": "redis://me:other@cache.demo:6379/0"}), (
        "a reload takes a new password"
    )


# === keys ===

CART = "spiffe://demo.mesh/shop/cart"


def key(given, *fields, **more):
    return key_of(options(key=given).key)(exchange("GET", "/v1/orders", *fields, **more))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("peer", CART),
        ("address", "192.0.2.7"),
        ("path", "/v1/orders"),
        ({"header": "X-User"}, "me"),
        (["peer", {"header": "x-user"}], (CART, "me")),
        (["path"], "/v1/orders"),
    ],
)
def test_a_key_is_what_the_operator_names(given, read):
    assert key(given, ("x-user", "me"), identity=CART) == read


def test_without_a_key_all_are_one():
    assert key_of(())(exchange()) == key_of(())(exchange("GET", "/other", identity=CART))


def test_who_has_no_certificate_or_header_shares_a_bucket_with_all_of_those():
    assert key("peer") is None
    assert key({"header": "x-user"}) is None
    assert key({"header": "x-user"}, ("x-user", "")) == "", "an empty value is a value"


def test_a_header_that_is_sent_twice_is_nobodys():
    """Or a client would get a new bucket with each first value, and the upstream would take the last."""
    assert key({"header": "x-user"}, ("x-user", "invented"), ("x-user", "me")) is None


def test_long_values_are_kept_short_and_apart():
    long = "x" * 5000
    short = [key({"header": "x-user"}, ("x-user", value)) for value in (long, long + "y")]
    assert max(map(len, short)) <= LONGEST_TEXT
    assert len(set(short)) == 2


def test_bytes_that_are_no_text_make_a_key():
    value = b"\xff\xfe".decode("utf-8", "surrogateescape")
    assert key({"header": "x-user"}, ("x-user", value)) == value
    assert len(digest(value)) == len(digest((value, None))) == 32


def test_a_digest_is_the_same_on_every_node():
    assert digest(("a", None, "ü")) == "d40de3f6569099441b72c2150f7bb376"
    assert digest("a") != digest(("a",))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_site_of_ipv6_is_one_address(address, network):
    assert network_of(address) == network
