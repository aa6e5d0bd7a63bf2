"""Asking which route takes a request: the core's own router answers."""

import pytest

from flatproxy.config import load
from flatproxy.core.lookup import Answer, look_up
from flatproxy.core.plan import Plan
from flatproxy.core.registry import Registry


@pytest.fixture
def ask(maximal):
    config = load(maximal.path)
    plan = Plan.build(config, Registry(), maximal.identity)
    return lambda url, method="GET", headers=(): look_up(plan, config, url, method, headers)


ORDERS = [("x-env", "prod"), ("x-b", "1"), ("authorization", "open sesame")]


def test_a_url_with_the_port_of_a_listener_asks_that_one(ask):
    url = "https://orders.demo:8443/v1/x?q=aa&page=1"
    assert ask(url, headers=ORDERS) == [Answer("web", route="orders")]
    assert ask(url, method="PUT", headers=ORDERS) == [Answer("web")], "no route takes a PUT: 404"


def test_a_path_asks_every_listener(ask):
    assert ask("/old") == [
        Answer("web", route="away"),
        Answer("plain", route="rest"),
        Answer("own", route="moved"),
    ]


def test_a_host_header_counts_more_than_the_default(ask):
    headers = [*ORDERS, ("Host", "x.b")]
    assert ask("/v1?q=a&page=1", headers=headers)[0] == Answer("web", route="orders")


def test_what_the_proxy_would_refuse_is_refused_with_the_reason(ask):
    assert ask("/a/../b")[0] == Answer("web", refused="dot segment in the path")
    assert (
        ask("/", headers=[("a", "b\r\nhost: c")])[0].refused
        == "a line break can be no part of a request head"
    )


@pytest.mark.parametrize("url", ["orders", "ftp://orders.demo/", "http://[::1", "http://a:99999/"])
def test_what_is_no_url_is_said_so(ask, url):
    with pytest.raises(ValueError, match=r"."):
        ask(url)
