"""Upstreams that are not who they should be, or do not speak TLS: 502, and nothing of a request reaches them."""

import ssl
from contextlib import ExitStack
from datetime import timedelta

import pytest

from tests.e2e.stand.certificates import CLIENT, Authority, Mesh, self_signed
from tests.e2e.stand.client import Client
from tests.e2e.stand.deployment import Deployment, listener, route, upstream
from tests.e2e.stand.service import Service, answer, response

ORDERS = "spiffe://demo.mesh/orders"
GOOD = {"uris": (ORDERS,), "dns": ("orders.demo",)}
SECRET = b"the number of a card"


def server(files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.cert, files.key)
    return context


BAD = {
    "expired": lambda mesh: mesh.issue("bad", **GOOD, ends=timedelta(minutes=-1)),
    "not yet valid": lambda mesh: mesh.issue("bad", **GOOD, starts=timedelta(minutes=1)),
    "for clients only": lambda mesh: mesh.issue("bad", **GOOD, usages=(CLIENT,)),
    "self-signed": lambda mesh: self_signed(mesh.folder, "bad"),
    "of an unknown authority": lambda mesh: Authority("stranger").issue(mesh.folder, "bad", **GOOD),
    "signed by no authority": lambda mesh: mesh.authority.intermediate(ca=False).issue(
        mesh.folder, "bad", **GOOD
    ),
    "of somebody else": lambda mesh: mesh.issue("bad", uris=(ORDERS + "-next",), dns=("orders.demo.evil",)),
    "of another domain": lambda mesh: mesh.issue("bad", uris=("spiffe://other.mesh/orders",), dns=("demo",)),
    "for every name": lambda mesh: mesh.issue("bad", uris=(), dns=("*", "*.mesh", "*.orders.demo")),
}


VERIFY = {"id": {"identity": ORDERS}, "name": {"name": "orders.demo"}}


async def speaks_first(conversation):
    """Plain text before anybody asked."""
    await conversation.send(response())
    conversation.service.heard = await conversation.ended()


async def answers_in_plain_text(conversation):
    """Plain text in place of its hello."""
    await conversation.reader.read(1)
    await speaks_first(conversation)


async def closes(conversation):
    """Takes the hello, and goes."""
    conversation.service.heard = await conversation.reader.read(65536)


async def says_nothing(conversation):
    """Takes the hello, and that is that."""
    conversation.service.heard = await conversation.ended()


WITHOUT_TLS = (speaks_first, answers_in_plain_text, closes, says_nothing)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    return Mesh.found(tmp_path_factory.mktemp("mesh"))


@pytest.fixture(scope="module")
def services(mesh):
    """By the test that asks for them."""
    with ExitStack() as running:

        def start(behaviour, tls=None):
            service = running.enter_context(Service(behaviour, tls=tls))
            service.heard = b""
            return service

        services = {what: start(answer, server(make(mesh))) for what, make in BAD.items()}
        services |= {behaviour.__name__: start(behaviour) for behaviour in WITHOUT_TLS}
        trusting = server(mesh.issue("orders", **GOOD))
        trusting.load_verify_locations(mesh.folder / "ca.pem")
        trusting.verify_mode = ssl.CERT_REQUIRED
        yield services | {"good": start(answer, trusting)}


@pytest.fixture(scope="module")
def proxy(mesh, services, tmp_path_factory):
    """With a route to each service, by either way to verify it."""
    kinds = [(what, kind) for what in services for kind in VERIFY]
    names = {(what, kind): f"{at}-{kind}" for at, (what, kind) in enumerate(kinds)}
    with Deployment(
        tmp_path_factory.mktemp("proxy"),
        identity=mesh.identity,
        listeners=[
            listener(*[route(name, name, match={"path": {"exact": f"/{name}"}}) for name in names.values()])
        ],
        upstreams=[
            upstream(
                services[what].address,
                name=names[what, kind],
                connect_timeout=1 if what == "says_nothing" else 10,
                tls={"mode": "mutual", **VERIFY[kind]},
            )
            for what, kind in kinds
        ],
    ) as deployment:
        deployment.names = names
        yield deployment.ready()


def ask(proxy, what, kind):
    with Client(proxy.address()) as client:
        return client.get("/" + proxy.names[what, kind], method="POST", body=SECRET)


@pytest.mark.parametrize("kind", VERIFY)
@pytest.mark.parametrize("what", BAD)
def test_nothing_is_sent_to_an_upstream_whose_certificate_is(what, kind, proxy, services):
    told = ask(proxy, what, kind)
    assert (told.status, told.flag) == (502, "UPSTREAM_TLS")
    failures = proxy.metric(
        "flatproxy_upstream_connect_failures_total", upstream=proxy.names[what, kind], reason="tls"
    )
    assert failures >= 1, "the operator should see it"
    assert services[what].requests == []


@pytest.mark.parametrize("behaviour", [speaks_first, answers_in_plain_text, closes])
def test_nothing_is_sent_to_an_upstream_without_tls_that(behaviour, proxy, services):
    told = ask(proxy, behaviour.__name__, "id")
    assert (told.status, told.flag) == (502, "UPSTREAM_TLS")
    heard = services[behaviour.__name__].heard
    assert SECRET not in heard
    assert b"POST" not in heard


def test_an_upstream_that_never_answers_the_hello_is_given_up_in_time(proxy, services):
    told = ask(proxy, "says_nothing", "id")
    assert (told.status, told.flag) == (504, "CONNECT_TIMEOUT")


@pytest.mark.parametrize("kind", VERIFY)
def test_an_upstream_of_the_mesh_is_asked(kind, proxy, services):
    """Or else all of the above would prove nothing."""
    assert ask(proxy, "good", kind).status == 200
    assert services["good"].requests[-1].body == SECRET


def test_the_log_says_what_was_wrong(proxy):
    ask(proxy, "expired", "id")
    line = proxy.program.line(message="exchange failed", flag="UPSTREAM_TLS")
    assert "the peer's certificate" in line["detail"]
