"""Edits of headers: their order, their placeholders, and what cannot be sent."""

import pytest
from pydantic import ValidationError

from flatproxy.plugins.headers.filter import HeaderEdits
from flatproxy.plugins.headers.options import HeadersOptions
from tests.unit.plugins.stand_ins import Fields, exchange

SHOP = "spiffe://demo.mesh/shop"


def edited(edits, *fields, **more):
    """The fields of a request after the edits."""
    one = exchange("GET", "/", *fields, **more)
    HeaderEdits(HeadersOptions.model_validate({"request": edits})).on_request(one)
    return one.request.headers.pairs


def test_fields_are_removed_then_set_then_added():
    edits = {"remove": "x-a", "set": {"X-A": "1", "x-b": "2"}, "add": {"x-a": ["3", "4"]}}
    before = (("x-A", "old"), ("x-b", "old"), ("X-B", "older"), ("x-c", "stays"))
    assert edited(edits, *before) == [
        ("x-c", "stays"), ("x-a", "1"), ("x-b", "2"), ("x-a", "3"), ("x-a", "4"),
    ]  # fmt: skip


def test_placeholders_tell_who_asks_and_where():
    edits = {"set": {"x-who": "{peer.identity} at {peer.address} on {route}, {{really}}"}}
    told = f"{SHOP} at 192.0.2.7 on all, {{really}}"
    assert edited(edits, identity=SHOP) == [("x-who", told)]


def test_a_client_without_identity_cannot_bring_its_own():
    edits = {"set": {"x-who": "{peer.identity}"}, "add": {"x-also": "{peer.identity}"}}
    assert edited(edits, ("X-Who", "spiffe://demo.mesh/admin")) == []


def test_responses_have_edits_of_their_own():
    one = exchange(reply=Fields(("server", "old")))
    options = {"response": {"remove": ["Server"], "set": {"x-route": "{route}"}}}
    made = HeaderEdits(HeadersOptions.model_validate(options))
    made.on_request(one)
    made.on_response(one)
    assert one.request.headers.pairs == []
    assert one.response.headers.pairs == [("x-route", "all")]


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ({"set": {"a b": "x"}}, "is no name of a header"),
        ({"set": {"": "x"}}, "is no name of a header"),
        ({"set": {"Content-Length": "1"}}, "is written by the proxy itself"),
        ({"remove": ["host"]}, "is written by the proxy itself"),
        ({"add": {"x": "a\r\nb: c"}}, "control character"),
        ({"add": {"x": 1}}, "must be text"),
        ({"set": {"x": "{peer}"}}, "there are {peer.identity}, {peer.address}, {route}"),
        ({"set": {"x": "{route!r}"}}, "there are"),
        ({"set": {"x": "{route:>9}"}}, "there are"),
        ({"set": {"x": "{"}}, "write a brace that is meant twice"),
        ({"set": {"x": "1", "X": "2"}}, "has the header 'x' twice"),
        ({"replace": {}}, "Extra inputs"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_configuration(edits, said):
    with pytest.raises(ValidationError) as caught:
        HeadersOptions.model_validate({"response": edits})
    assert said in str(caught.value)
