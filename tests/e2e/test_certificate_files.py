"""Certificate files that a listener names: written anew, they are used without a reload; bad ones are not."""

import pytest

from tests.e2e.stand.client import Client, member
from tests.e2e.stand.deployment import listener, upstream


@pytest.fixture
def files(mesh):
    return mesh.issue("site")


@pytest.fixture
def proxy(deploy, service, files):
    site = listener(tls={"mode": "simple", "certificates": [files.pair]})
    return deploy(listeners=[site], upstreams=[upstream(service.address)])


@pytest.fixture
def tls(mesh):
    context = member(mesh.folder / "ca.pem")
    context.check_hostname = False
    return context


def shown(address, tls):
    """The certificate that the listener shows now."""
    with Client(address, tls) as client:
        return client.socket.getpeercert(binary_form=True)


def test_a_new_pair_is_shown_to_new_connections_and_old_ones_go_on(proxy, mesh, tls):
    old = shown(proxy.address(), tls)
    with Client(proxy.address(), tls) as before:
        assert before.get().status == 200
        mesh.issue("site")
        proxy.program.event("files_reread")
        assert shown(proxy.address(), tls) != old
        assert before.get().status == 200, "a connection from before must go on"


def test_a_bad_pair_keeps_the_old_one_with_an_alarm(proxy, files, tls):
    old = shown(proxy.address(), tls)
    files.cert.write_text("not a certificate")
    alarm = proxy.program.event("identity_not_applied")
    assert str(files.cert) in str(alarm["errors"])
    assert shown(proxy.address(), tls) == old
