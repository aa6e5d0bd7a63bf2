"""Sessions and certificates that change: a ticket is never worth more than the handshake it came from."""

import ssl
import threading

import pytest

from tests.e2e.stand.certificates import Authority, Mesh
from tests.e2e.stand.client import Client, Cut, member
from tests.e2e.stand.deployment import listener, upstream

REFUSED = (ssl.SSLError, ConnectionError, Cut)


def visit(address, tls, session=None):
    """Whether the session was resumed, and the ticket for the next visit."""
    with Client(address, tls, session=session) as client:
        assert client.get().status == 200
        return client.socket.session_reused, client.socket.session


@pytest.fixture(params=[False, True], ids=["TLS 1.3", "TLS 1.2"])
def old(request):
    return request.param


# === tickets ===


def test_a_ticket_of_a_listener_without_client_certificates_opens_no_other(old, deploy, service, mesh):
    proxy = deploy(
        identity=mesh.identity,
        listeners=[
            listener(tls={"mode": "simple"}, name="open"),
            listener(tls={"mode": "mutual"}, name="closed", listen="127.0.0.2:0"),
        ],
        upstreams=[upstream(service.address)],
    )
    tls = member(mesh.folder / "ca.pem", old=old)
    _, ticket = visit(proxy.address("open"), tls)
    assert visit(proxy.address("open"), tls, ticket)[0], "the ticket itself is good"
    asked = len(service.requests)
    with pytest.raises(REFUSED):
        visit(proxy.address("closed"), tls, ticket)
    assert len(service.requests) == asked, "nothing may reach a service"
    assert proxy.metric("flatproxy_tls_handshakes_refused_total", reason="no_certificate") == 1


def test_a_ticket_is_worthless_once_client_certificates_are_asked_for(old, deploy, service, mesh):
    def config(mode):
        return {
            "identity": mesh.identity,
            "listeners": [listener(tls={"mode": mode})],
            "upstreams": [upstream(service.address)],
        }

    proxy = deploy(**config("simple"))
    tls = member(mesh.folder / "ca.pem", old=old)
    _, ticket = visit(proxy.address(), tls)
    proxy.configure(**config("mutual"))
    assert proxy.reload()[0] == 0
    with pytest.raises(REFUSED):
        visit(proxy.address(), tls, ticket)
    assert proxy.metric("flatproxy_tls_handshakes_refused_total", reason="no_certificate") == 1


def test_a_ticket_is_worthless_once_its_authority_is_trusted_no_more(old, deploy, service, mesh):
    clients = mesh.authority.write(mesh.folder, "clients.pem")
    proxy = deploy(
        identity=mesh.identity,
        listeners=[listener(tls={"mode": "mutual", "client_ca": str(clients)})],
        upstreams=[upstream(service.address)],
    )
    tls = member(mesh.folder / "ca.pem", mesh.issue("shop"), old=old)
    _, ticket = visit(proxy.address(), tls)
    resumed, ticket = visit(proxy.address(), tls, ticket)
    assert resumed, "the ticket itself is good"
    Authority("new authority").write(mesh.folder, "clients.pem")
    assert proxy.reload()[0] == 0
    with pytest.raises(REFUSED):
        visit(proxy.address(), tls, ticket)
    assert proxy.metric("flatproxy_tls_handshakes_refused_total", reason="unknown_ca") == 1


def test_a_ticket_is_worthless_once_its_certificate_is_revoked(old, deploy, service, mesh):
    crl = mesh.authority.write_revocations(mesh.folder)
    proxy = deploy(
        identity=mesh.identity,
        listeners=[listener(tls={"mode": "mutual", "crl": str(crl)})],
        upstreams=[upstream(service.address)],
    )
    shop = mesh.issue("shop")
    tls = member(mesh.folder / "ca.pem", shop, old=old)
    _, ticket = visit(proxy.address(), tls)
    mesh.authority.write_revocations(mesh.folder, shop)
    assert proxy.reload()[0] == 0
    with pytest.raises(REFUSED):
        visit(proxy.address(), tls, ticket)
    assert proxy.metric("flatproxy_tls_handshakes_refused_total", reason="revoked") == 1


# === certificates that are replaced ===


class Visitors:
    """Clients who shake hands anew for every request, all the time, and want every one to be answered."""

    def __init__(self, address, tls):
        self.answered = 0
        self.failures = []
        self._arguments = address, tls
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._come) for _ in range(2)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _come(self):
        while not self._stopping.is_set():
            try:
                visit(*self._arguments)
                self.answered += 1
            except Exception as error:  # noqa: BLE001  whatever it is, it is a failed handshake
                self.failures.append(repr(error))


def test_no_handshake_fails_while_the_embedded_authority_renews_our_certificate(deploy, service, tmp_path):
    state = tmp_path / "state"
    proxy = deploy(
        identity={"trust_domain": "demo.mesh", "state": str(state), "lifetime": "2s"},
        listeners=[listener(tls={"mode": "simple"})],
        upstreams=[upstream(service.address)],
    )
    with Visitors(proxy.address(), member(state / "ca.pem")) as visitors:
        for _ in range(3):
            proxy.program.event("identity_renewed")
    assert not visitors.failures
    assert visitors.answered


def test_no_handshake_fails_while_certificate_files_are_replaced_good_and_bad(deploy, service, mesh):
    proxy = deploy(
        identity=mesh.identity,
        listeners=[listener(tls={"mode": "mutual"})],
        upstreams=[upstream(service.address)],
    )
    tls = member(mesh.folder / "ca.pem", mesh.issue("shop"))
    with Visitors(proxy.address(), tls) as visitors:
        for _ in range(2):
            Mesh(mesh.folder, mesh.authority).issue(
                "proxy", uris=("spiffe://demo.mesh/proxy",), dns=("localhost",)
            )
            proxy.program.event("identity_renewed")
            (mesh.folder / "proxy.pem").write_text("no certificate")
            proxy.program.event("identity_not_renewed", level="error")
            assert proxy.metric("flatproxy_identity_failing") == 1, "an alarm should be raised"
    assert not visitors.failures
    assert visitors.answered


def test_a_listeners_own_certificate_is_replaced_by_a_good_one_only(deploy, service, mesh):
    own = mesh.issue("own", dns=("localhost",))
    proxy = deploy(
        identity=mesh.identity,
        listeners=[listener(tls={"mode": "simple", "certificates": [own.pair]})],
        upstreams=[upstream(service.address)],
    )
    good = own.cert.read_bytes()
    with Visitors(proxy.address(), member(mesh.folder / "ca.pem")) as visitors:
        for content, code in [(b"no certificate", 1), (mesh.issue("other").cert.read_bytes(), 1), (good, 0)]:
            own.cert.write_bytes(content)
            assert proxy.reload()[0] == code
            proxy.program.lines.clear()
    assert not visitors.failures
    assert visitors.answered
