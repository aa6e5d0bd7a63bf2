"""The filter `cors` on a route: what a browser asks and gets, over real sockets."""

from tests.e2e.stand.client import Client
from tests.e2e.stand.deployment import listener, route, upstream

SHOP = "https://eu.shop.demo"
OPTIONS = {"origins": ["https://*.shop.demo"], "methods": ["PUT"], "headers": ["x-a"], "credentials": True}


def test_a_page_asks_before_it_asks_and_may_then_read(deploy, service):
    # Whoever asks without a token is refused, and a preflight has none.
    closed = {"use": "policy", "options": {"allow": [{"headers": {"x-a": "1"}}]}}
    proxy = deploy(
        listeners=[listener(route(filters=[{"use": "cors", "options": OPTIONS}, closed]))],
        upstreams=[upstream(service.address)],
    )
    asks = ("access-control-request-method: PUT", "access-control-request-headers: x-a")
    with Client(proxy.address()) as client:
        told = client.get("/it", f"origin: {SHOP}", *asks, method="OPTIONS")
        assert (told.status, told.body) == (204, b"")
        assert told.headers["access-control-allow-origin"] == SHOP
        assert told.headers["access-control-allow-methods"] == "PUT"
        assert told.headers["access-control-allow-headers"] == "x-a"
        assert told.headers["access-control-max-age"] == "600"
        assert not service.requests, "a preflight is answered here"
        read = client.get("/it", f"origin: {SHOP}", "x-a: 1", method="PUT")
        assert (read.status, read.headers["access-control-allow-origin"]) == (200, SHOP)
        assert read.headers["access-control-allow-credentials"] == "true"
        assert read.headers["vary"] == "origin"
        evil = ("origin: https://evil.demo",)
        assert client.get("/it", *evil, *asks, method="OPTIONS").status == 403
        unread = client.get("/it", *evil, "x-a: 1")
        assert (unread.status, "access-control-allow-origin" in unread.headers) == (200, False)
    assert proxy.metric("flatproxy_filter_cors_preflights_total", result="refused") == 1
