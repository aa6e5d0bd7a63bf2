"""Clients whose certificate is not good enough: refused before a byte reaches a service, and the operator is told why."""

import socket
import ssl
import time
from datetime import timedelta

import pytest

from tests.e2e.stand.certificates import SERVER, SHOP, Authority, Mesh, self_signed
from tests.e2e.stand.client import Client, member
from tests.e2e.stand.deployment import Deployment, listener, upstream
from tests.e2e.stand.service import Service, answer
from tests.unit.core.program import parse

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    return Mesh.found(tmp_path_factory.mktemp("mesh"))


@pytest.fixture(scope="module")
def service():
    with Service(answer) as service:
        yield service


@pytest.fixture(scope="module")
def proxy(mesh, service, tmp_path_factory):
    """One for all tests of this file: who is refused leaves nothing behind."""
    crl = mesh.authority.write_revocations(mesh.folder, mesh.issue("revoked"))
    listed = {"mode": "mutual", "crl": str(crl)}
    with Deployment(
        tmp_path_factory.mktemp("proxy"),
        identity=mesh.identity,
        listeners=[
            listener(tls={"mode": "mutual"}),
            listener(tls=listed, name="listed", listen="127.0.0.2:0"),
        ],
        upstreams=[upstream(service.address)],
    ) as deployment:
        yield deployment.ready()


def below_a_leaf(mesh):
    """Signed by a certificate that is itself no authority."""
    return mesh.authority.intermediate(ca=False).issue(mesh.folder, "below-a-leaf")


def out_of_bounds(mesh):
    """Signed by an authority that may only sign for another host of the trust domain."""
    return mesh.authority.intermediate(permitted="other.mesh").issue(mesh.folder, "out-of-bounds")


BAD = {
    "missing": ("no_certificate", lambda mesh: None),
    "self-signed": ("self_signed", lambda mesh: self_signed(mesh.folder, "alone")),
    "of an unknown authority": (
        "unknown_ca",
        lambda mesh: Authority("stranger").issue(mesh.folder, "strange"),
    ),
    "of a namesake of our authority": (
        "bad_signature",
        lambda mesh: Authority().issue(mesh.folder, "forged"),
    ),
    "expired": ("expired", lambda mesh: mesh.issue("expired", ends=-MINUTE)),
    "not yet valid": ("not_yet_valid", lambda mesh: mesh.issue("future", starts=MINUTE)),
    "for servers only": ("wrong_usage", lambda mesh: mesh.issue("server", usages=(SERVER,))),
    "not for signatures": ("wrong_usage", lambda mesh: mesh.issue("agreement", signs=False)),
    "an authority itself": ("wrong_usage", lambda mesh: mesh.issue("authority", ca=True)),
    "signed by no authority": ("wrong_usage", below_a_leaf),
    "against a name constraint": ("name", out_of_bounds),
    "of another domain": ("wrong_domain", lambda mesh: mesh.issue("far", uris=("spiffe://other.mesh/shop",))),
    "of a domain that ours begins": (
        "wrong_domain",
        lambda mesh: mesh.issue("near", uris=("spiffe://demo.mesh.evil/shop",)),
    ),
    "without a URI": ("no_identity", lambda mesh: mesh.issue("nameless", uris=(), dns=("shop.demo.mesh",))),
    "with a URI that is no SPIFFE id": (
        "no_identity",
        lambda mesh: mesh.issue("web", uris=("https://demo.mesh/shop",)),
    ),
    "with two URIs": (
        "two_identities",
        lambda mesh: mesh.issue("two", uris=(SHOP, "spiffe://demo.mesh/admin")),
    ),
    "with a NUL in its id": (
        "malformed",
        lambda mesh: mesh.issue("nul", uris=("spiffe://demo.mesh/admin\0.evil",)),
    ),
    "with a NUL in a name": ("malformed", lambda mesh: mesh.issue("nul-dns", dns=("localhost\0.evil",))),
    "revoked": ("revoked", lambda mesh: mesh.files("revoked")),
}
# Whoever looks at a certificate is the same in both versions; what follows on the wire is not.
OLD = ("missing", "expired", "with two URIs", "revoked")


@pytest.mark.parametrize(("what", "old"), [*((what, False) for what in BAD), *((what, True) for what in OLD)])
def test_a_client_certificate_is_refused_that_is(what, old, mesh, proxy, service):
    reason, make = BAD[what]
    name = "listed" if what == "revoked" else "web"
    connections = service.connections
    tls = member(mesh.folder / "ca.pem", make(mesh), old=old)
    before = refusals(proxy, name, reason)
    attempts = 1
    since = len(proxy.program.lines)  # a port may be given to a second client
    while (told := told_reason(proxy, attempt(proxy.address(name), tls), since)) is None:
        attempts += 1  # the log tells of five a second
    assert told["reason"] == reason, f"the log should tell why: {told}"
    assert refusals(proxy, name, reason) - before == attempts, f"each should be counted as {reason}"
    assert service.connections == connections, "nothing may reach a service"


def attempt(listener_address, tls):
    """The address that a refused client had."""
    with socket.create_connection(listener_address, timeout=20) as tcp:
        address = "{}:{}".format(*tcp.getsockname())
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(tcp, tls)
    return address


def ask(tcp, tls):
    """In TLS 1.3 a client is through with its handshake before the server has seen its certificate."""
    with tls.wrap_socket(tcp, server_hostname="localhost") as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert client.recv(1) == b"", "no answer may come"
        raise ConnectionError("closed without an alert")


def refusals(proxy, name, reason):
    return proxy.metric("flatproxy_tls_handshakes_refused_total", listener=name, reason=reason)


def told_reason(proxy, client, since):
    """What the log says of that client from that line on, if it says anything."""
    deadline = time.monotonic() + 0.25
    while time.monotonic() < deadline:
        for line in map(parse, proxy.program.lines[since:]):
            if (line.get("target"), line.get("client")) == ("tls", client):
                return line
        time.sleep(0.01)
    return None


@pytest.mark.parametrize("name", ["web", "listed"])
def test_a_client_of_the_mesh_is_served(name, mesh, proxy, service):
    """Or else all of the above would prove nothing."""
    with Client(proxy.address(name), member(mesh.folder / "ca.pem", mesh.issue("good"))) as client:
        assert client.get().status == 200
    assert service.requests[-1].values("x-forwarded-client-cert")[0].endswith(f";URI={SHOP}")
