"""The filter `headers` on a route: what the service and the client get, over real sockets."""

from tests.e2e.stand.client import Client, member
from tests.e2e.stand.deployment import listener, route, upstream


def test_the_service_and_the_client_get_the_edited_headers(deploy, service, mesh):
    options = {
        "request": {
            "remove": ["x-debug"],
            "set": {"x-caller": "{peer.identity}"},
            "add": {"x-via": ["{route}", "b"]},
        },
        "response": {"set": {"x-from": "{peer.address}"}},
    }
    proxy = deploy(
        identity=mesh.identity,
        listeners=[
            listener(route(filters=[{"use": "headers", "options": options}]), tls={"mode": "mutual"}),
            listener(
                route("plain", filters=[{"use": "headers", "options": options}]),
                name="plain",
                listen="127.0.0.2:0",
            ),
        ],
        upstreams=[upstream(service.address)],
    )
    cart = member(mesh.folder / "ca.pem", mesh.issue("cart", uris=("spiffe://demo.mesh/cart",)))
    forged = ("x-debug: 1", "X-Caller: spiffe://demo.mesh/admin", "x-via: a")
    with Client(proxy.address(), cart) as client:
        assert client.get("/", *forged).headers["x-from"] == "127.0.0.1"
    with Client(proxy.address("plain")) as client:
        client.get("/", *forged)
    known, unknown = service.requests
    assert known.values("x-caller") == ["spiffe://demo.mesh/cart"]
    assert (known.values("x-via"), known.values("x-debug")) == (["a", "all", "b"], [])
    assert unknown.values("x-caller") == [], "who is not known cannot say who it is"
    assert unknown.values("x-via") == ["a", "plain", "b"]
