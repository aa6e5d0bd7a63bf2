"""Rules: which one decides, by peer, request and source. Those with claims are in test_tokens."""

import pytest
from pydantic import ValidationError

from flatproxy import Close
from flatproxy.plugins.policy.filter import Policy
from flatproxy.plugins.policy.options import PolicyOptions
from tests.unit.plugins.stand_ins import Told, exchange

SHOP = "spiffe://demo.mesh/shop/cart"


def policy(**options):
    made = Policy(PolicyOptions.model_validate(options))
    made.open(Told())
    return made


def decided(options, *request, **more):
    """The name of the rule that decides, and the status that the client gets."""
    told = Told()
    made = policy(**options)
    answer = made.on_request(exchange(*request, told=told, **more))
    made.close()
    rules = [rule for rule, _ in made._decisions.amounts]
    return rules[0], answer.status if answer else None


def lets_in(rule, *request, **more):
    return decided({"allow": [rule]}, *request, **more) == ("allow[0]", None)


def test_what_no_rule_names_is_refused():
    assert decided({"allow": []}) == ("default", 403)
    assert decided({"allow": [{"methods": ["POST"]}]}) == ("default", 403)


def test_an_empty_rule_lets_everybody_in_but_whom_a_deny_rule_names():
    options = {"allow": [{}], "deny": [{"name": "no admin", "paths": ["/admin/**"]}]}
    assert decided(options, "GET", "/x") == ("allow[0]", None)
    assert decided(options, "GET", "/admin/x") == ("no admin", 403)


def test_the_first_rule_that_matches_decides():
    options = {"allow": [{"methods": "POST"}, {"name": "reads", "methods": ["GET", "HEAD"]}, {"name": "all"}]}
    assert decided(options, "HEAD") == ("reads", None)


def test_all_conditions_of_a_rule_must_hold():
    rule = {"from": "spiffe://demo.mesh/shop/*", "methods": "GET", "paths": ["/v1/**"]}
    assert lets_in(rule, "GET", "/v1/x", identity=SHOP)
    assert not lets_in(rule, "POST", "/v1/x", identity=SHOP)
    assert not lets_in(rule, "GET", "/v2/x", identity=SHOP)
    assert not lets_in(rule, "GET", "/v1/x", identity="spiffe://demo.mesh/shop/eu/cart")
    assert not lets_in(rule, "GET", "/v1/x", identity=None)


def test_every_identity_is_still_an_identity():
    assert lets_in({"from": "**"}, identity=SHOP)
    assert not lets_in({"from": "**"}, identity=None)


@pytest.mark.parametrize(
    ("network", "address", "inside"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "10.1.2.3", False),
        ("192.0.2.7", "192.0.2.7", True),
    ],
)
def test_networks_hold_addresses_of_their_version(network, address, inside):
    assert lets_in({"networks": network}, address=address) is inside


def test_a_second_header_line_gets_past_neither_kind_of_rule():
    both = ("GET", "/", ("x-env", "prod"), ("X-Env", "test"))
    assert lets_in({"headers": {"x-env": ["prod", "test"]}}, *both)
    assert not lets_in({"headers": {"x-env": "prod"}}, *both), "all values must match to be let in"
    denies = {"allow": [{}], "deny": [{"headers": {"x-env": "test"}}]}
    assert decided(denies, *both) == ("deny[0]", 403), "one value is enough to be refused"


def test_headers_are_there_or_not():
    assert lets_in({"headers": {"x-env": {"present": False}}})
    assert not lets_in({"headers": {"x-env": {"present": True}}})
    assert not lets_in({"headers": {"x-env": {"prefix": "a"}}})


def test_a_rule_about_the_peer_looks_at_nothing_else():
    made = policy(allow=[{"from": SHOP}])
    one = exchange(identity=SHOP)
    del one.request
    assert made.on_request(one) is None


# === log and metrics ===


def test_the_rule_that_refused_is_logged_and_counted():
    made, told = policy(allow=[{}], deny=[{"name": "no", "methods": "PUT"}]), Told()
    answer = made.on_request(exchange("PUT", "/x", told=told, identity=SHOP))
    assert (answer.status, answer.body) == (403, b"not allowed\n")
    made.on_request(exchange(told=told))
    assert made._decisions.amounts == {("no", "refuse"): 1, ("allow[0]", "allow"): 1}
    place = {"peer": SHOP, "address": "192.0.2.7", "method": "PUT", "path": "/x"}
    assert told.lines == [("refuse", {"rule": "no", **place})]


def test_all_decisions_are_logged_where_asked_for():
    made, told = policy(allow=[{}], log="all"), Told()
    made.on_request(exchange(told=told))
    assert [(word, fields["rule"]) for word, fields in told.lines] == [("allow", "allow[0]")]


def test_a_dry_run_refuses_nobody_and_says_what_it_would_have_done():
    made, told = policy(allow=[], dry_run=True), Told()
    assert made.on_request(exchange(told=told)) is None
    assert made._decisions.amounts == {("default", "would_refuse"): 1}
    assert [(word, fields["rule"]) for word, fields in told.lines] == [("would_refuse", "default")]


# === when a connection is made ===


def connecting(**options):
    """An exchange with a policy that decides when a connection is made, before there is a request to look at."""
    made, told = policy(when="connect", **options), Told()
    one = exchange(identity=SHOP, told=told)
    del one.request
    return made.on_connect(one), told, made


def test_a_connection_is_decided_by_who_it_is():
    assert connecting(allow=[{"from": SHOP}])[0] is None
    assert connecting(allow=[{"networks": ["10.0.0.0/8"]}])[0] == Close()
    assert connecting(allow=[{}], deny=[{"from": "**"}])[0] == Close()


def test_the_rule_that_cut_a_connection_off_is_logged_and_counted():
    _, told, made = connecting(allow=[])
    assert told.lines == [("refuse", {"rule": "default", "peer": SHOP, "address": "192.0.2.7"})]
    assert made._decisions.amounts == {("default", "refuse"): 1}


def test_a_dry_run_cuts_nobody_off():
    verdict, told, _ = connecting(allow=[], dry_run=True)
    assert (verdict, told.lines[0][0]) == (None, "would_refuse")


def test_it_is_asked_in_one_phase_only():
    assert policy(allow=[{}], when="connect").phases == {"on_connect"}
    assert policy(allow=[{}]).phases == {"on_request"}


# === options ===


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "Field required"),
        ({"allow": [{"from": "demo.mesh/*"}]}, "must be a SPIFFE id"),
        ({"allow": [{"from": "spiffe://**/x"}]}, "may have '**' at its end only"),
        ({"allow": [{"paths": ["v1"]}]}, "must start with '/'"),
        (
            {"allow": [{"paths": [{"glob": "/a", "prefix": "/b"}]}]},
            "needs exactly one of glob, exact, prefix",
        ),
        ({"allow": [{"methods": ["get"]}]}, "in upper case"),
        ({"allow": [{"networks": ["10.0.0.1/8"]}]}, "must be a network such as"),
        ({"allow": [{"name": "a"}], "deny": [{"name": "a"}]}, "two rules named 'a'"),
        ({"allow": [{"name": "default"}]}, "'default'"),
        ({"allow": [{"claims": {"sub": "a"}}]}, "`claims` but no `jwt`"),
        ({"allow": [{"methods": []}]}, "must not be empty"),
        ({"allow": [{"methods": "GET"}], "when": "connect"}, "`when: connect` and `methods` in the rule"),
        ({"allow": [{}], "deny": [{"name": "no", "headers": {"x": "1"}}], "when": "connect"}, "rule 'no'"),
        ({"allow": [{"headers": {"x": 1.5}}]}, "must be text, a whole number, true or false"),
        ({"allow": [], "jwt": {"jwks": "http://keys.demo/"}}, "must be an https URL"),
        ({"allow": [], "jwt": {"jwks": "k", "algorithms": ["HS256"]}}, "RS256"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ValidationError) as caught:
        PolicyOptions.model_validate(options)
    assert said in str(caught.value)
