"""The hook `map_identity`: an installed package says who a client is, before any filter is asked."""

import os
from textwrap import dedent

import pytest

from tests.e2e.stand.client import Client
from tests.e2e.stand.deployment import listener, route, until, upstream

CART = "spiffe://demo.mesh/shop/cart"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package whose one hook is this function, for the FlatProxy of the test."""

    def run(hook: str) -> None:
        site = tmp_path / "site"
        info = site / "acme_names-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-names\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[flatproxy]\nacme = acme_names\n")
        code = "from flatproxy import hookimpl\n\n@hookimpl\n" + dedent(hook)
        (site / "acme_names.py").write_text(code)
        paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))

    return run


@pytest.fixture
def proxy(deploy, service):
    """Lets in the cart, and nobody else."""

    def begin():
        policy = {"use": "policy", "options": {"allow": [{"from": CART}]}}
        return deploy(
            listeners=[listener(route(filters=[policy]))], upstreams=[upstream(service.address)], workers=1
        )

    return begin


def statuses(proxy):
    """What two requests on one connection are answered."""
    with Client(proxy.address()) as client:
        return [client.get().status for _ in range(2)]


def test_a_client_goes_by_the_name_that_a_package_gives_it(install, proxy):
    install(f"""
        def map_identity(peer):
            assert (peer.identity, peer.secure) == (None, False)
            return "{CART}" if peer.address == "127.0.0.1" else None
    """)
    serving = proxy()
    assert statuses(serving) == [200, 200], "the policy should take the client for the cart"
    written = until(serving.exchanges, "the exchanges should be written down")
    assert written[0]["peer"] == CART


def test_a_client_of_whom_no_package_knows_stays_unknown(install, proxy):
    install("def map_identity(peer):\n    return None\n")
    assert statuses(proxy()) == [403, 403]


@pytest.mark.parametrize(
    ("body", "told"),
    [("1 / 0", "ZeroDivisionError"), ("return 'cart'", "is no SPIFFE id"), ("return 7", "TypeError")],
)
def test_who_cannot_be_named_is_not_served(install, proxy, body, told):
    install(f"def map_identity(peer):\n    {body}\n")
    serving = proxy()
    with Client(serving.address()) as client:
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert client.rest() == b"", "the connection should be closed without a word"
    line = serving.program.line(target="identity")
    assert told in line["error"], "the log should say why"
    assert serving.connections() == 0


def test_without_such_a_package_nobody_is_asked(proxy):
    serving = proxy()
    assert statuses(serving) == [403, 403]
    assert serving.metric("flatproxy_python_crossings_total") == 2, (
        "one for each request, none for the connection"
    )
