"""Origins, preflights and responses, as the Fetch standard has them."""

import pytest
from pydantic import ValidationError

from flatproxy.plugins.cors.filter import Cors
from flatproxy.plugins.cors.options import CorsOptions
from flatproxy.plugins.cors.origins import Origins
from tests.unit.plugins.stand_ins import Fields, Told, exchange

SHOP = "https://shop.demo"


def cors(**options):
    made = Cors(CorsOptions.model_validate({"origins": SHOP, **options}))
    made.open(Told())
    return made


def preflight(made, origin=SHOP, *more):
    """Status and fields of the answer to a preflight."""
    fields = (("origin", origin), ("access-control-request-method", "PUT"), *more)
    answer = made.on_request(exchange("OPTIONS", "/", *fields))
    return answer.status, {name.decode(): value.decode() for name, value in answer.headers}


def marked(made, *fields, reply=()):
    """The fields of a response to a request with these."""
    one = exchange("GET", "/", *fields, reply=Fields(*reply))
    assert made.on_request(one) is None, "only preflights are answered"
    made.on_response(one)
    return one.response.headers.pairs


@pytest.mark.parametrize(
    ("allowed", "origin", "answer"),
    [
        ([SHOP], SHOP, SHOP),
        ([SHOP], "http://shop.demo", None),
        ([SHOP], "https://shop.demo:8443", None),
        ([SHOP], "https://shop.demo.evil", None),
        ([SHOP], "null", None),
        (["null"], "null", "null"),
        (["*"], "https://any.demo", "*"),
        (["https://*.shop.demo"], "https://eu.shop.demo", "https://eu.shop.demo"),
        (["https://*.shop.demo"], "https://a.eu.shop.demo", "https://a.eu.shop.demo"),
        (["https://*.shop.demo"], "https://shop.demo", None),
        (["https://*.shop.demo"], "https://.shop.demo", None),
        (["https://*.shop.demo"], "https://evilshop.demo", None),
        (["https://*.shop.demo"], "https://evil.demo/.shop.demo", None),
        (["https://*.shop.demo"], "https://evil.demo?.shop.demo", None),
        (["https://*.shop.demo"], "https://evil.demo#.shop.demo", None),
        (["https://*.shop.demo"], "https://me@evil.demo:1.shop.demo", None),
        (["https://*.shop.demo:8443"], "https://eu.shop.demo:8443", "https://eu.shop.demo:8443"),
        (["https://*.shop.demo:8443"], "https://eu.shop.demo", None),
        ([], SHOP, None),
    ],
)
def test_origins_are_compared_whole_or_below_a_host(allowed, origin, answer):
    assert Origins(tuple(allowed)).answer_to(origin) == answer


# === preflights ===


def test_a_preflight_is_told_what_its_page_may_do():
    made = cors(methods=["PUT"], headers=["x-a", "x-b"], credentials=True, max_age="1h")
    assert preflight(made) == (
        204,
        {
            "access-control-allow-origin": SHOP,
            "access-control-allow-methods": "PUT",
            "access-control-allow-headers": "x-a, x-b",
            "access-control-allow-credentials": "true",
            "access-control-max-age": "3600",
            "vary": "origin, access-control-request-method, access-control-request-headers",
        },
    )
    assert made._preflights.amounts == {("allowed",): 1}


def test_a_preflight_of_another_origin_is_refused():
    made = cors()
    status, fields = preflight(made, "https://evil.demo")
    assert (status, "access-control-allow-origin" in fields) == (403, False)
    assert "origin" in fields["vary"]
    assert made._preflights.amounts == {("refused",): 1}


def test_any_header_that_is_asked_for_may_be_allowed():
    asked = ("access-control-request-headers", "authorization,x-a")
    assert preflight(cors(headers="*"), SHOP, asked)[1]["access-control-allow-headers"] == "authorization,x-a"
    assert "access-control-allow-headers" not in preflight(cors(), SHOP, asked)[1]


def test_two_origins_are_none():
    assert preflight(cors(), SHOP, ("origin", SHOP))[0] == 403


@pytest.mark.parametrize("fields", [(), (("origin", SHOP),), (("access-control-request-method", "PUT"),)])
def test_other_requests_with_options_go_on(fields):
    assert cors().on_request(exchange("OPTIONS", "/", *fields)) is None


# === responses ===


def test_a_response_says_who_may_read_it():
    made = cors(expose=["x-a", "x-b"], credentials=True)
    assert marked(made, ("origin", SHOP)) == [
        ("vary", "origin"),
        ("access-control-allow-origin", SHOP),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "x-a, x-b"),
    ]


def test_what_is_for_others_differs_by_origin_for_caches_too():
    assert marked(cors()) == [("vary", "origin")]
    assert marked(cors(), ("origin", "https://evil.demo")) == [("vary", "origin")]
    assert marked(cors(), reply=[("Vary", "Accept, ORIGIN")]) == [("Vary", "Accept, ORIGIN")]
    assert marked(cors(), reply=[("vary", "*")]) == [("vary", "*")]


def test_what_is_for_everybody_is_the_same_for_all():
    for fields in ((("origin", "https://any.demo"),), ()):
        assert marked(cors(origins="*"), *fields) == [("access-control-allow-origin", "*")]


def test_the_word_of_the_upstream_does_not_count():
    reply = [("Access-Control-Allow-Origin", "*"), ("access-control-allow-credentials", "true"), ("x-a", "1")]
    assert marked(cors(), ("origin", "https://evil.demo"), reply=reply) == [("x-a", "1"), ("vary", "origin")]


# === options ===


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"origins": "shop.demo"}, "must be an origin such as"),
        ({"origins": "*.shop.demo"}, "must be an origin such as"),
        ({"origins": "https://shop.demo/"}, "must be an origin such as"),
        ({"origins": "https://Shop.demo"}, "must be an origin such as"),
        ({"origins": "https://a.*.demo"}, "must be an origin such as"),
        ({"origins": "https://shop.demo:443"}, "without :443: 'https://shop.demo'"),
        ({"origins": ["*"], "credentials": True}, "any page could act as its visitor"),
        ({"expose": "*", "credentials": True}, "name the headers"),
        ({"methods": "*"}, "name the methods"),
        ({"headers": "a b"}, "the name of a header"),
    ],
)
def test_options_that_no_browser_would_take_are_refused(options, said):
    with pytest.raises(ValidationError) as caught:
        cors(**options)
    assert said in str(caught.value)
