"""Each peer accepts the configuration that it is given, and serves with it what the service answers."""

import contextlib
import dataclasses
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from bench.certificates import HOST
from bench.chain import Busy, Chain
from bench.collector import Collector, spans
from bench.peers import PEERS, Setup, Tls
from bench.peers.base import TEMPLATES, find
from bench.places import ENVOY_PROGRAM
from bench.processes import free_addresses, running
from bench.service import BODY
from bench.template import render

PROXIES = ["flatproxy", "haproxy", "nginx", "envoy"]


@pytest.fixture(scope="module")
def service(tmp_path_factory, certificates):
    """The service without the sink, which needs the load program."""
    if not find("nginx"):
        pytest.skip("nginx not installed (`make system-packages` as root brings it)")
    folder = tmp_path_factory.mktemp("service")
    addresses = dict(zip(("plain", "simple", "mutual"), free_addresses(3), strict=True))
    config = folder / "service.conf"
    facts = {**addresses, **vars(certificates), "folder": folder, "body": BODY}
    config.write_text(render((TEMPLATES / "service.conf.tmpl").read_text(), facts))
    command = [find("nginx"), "-c", str(config), "-p", str(folder)]
    with running(command, cores="0", listens=list(addresses.values()), log=folder / "service.out"):
        yield addresses["plain"]


@contextlib.contextmanager
def proxy(name, setup):
    peer = PEERS[name]
    if name == "envoy" and not ENVOY_PROGRAM.exists():
        pytest.skip("envoy not installed (`make peers` brings it)")
    reason = peer.absent()
    if reason:
        pytest.skip(reason)
    command = peer.command(setup)
    with running(command, cores="0", listens=[setup.listen], log=setup.folder / "output.log"):
        yield


@pytest.fixture
def setup(service, certificates, tmp_path):
    listen, admin = free_addresses(2)
    return Setup(
        listen=listen,
        admin=admin,
        service=service,
        tls=Tls.OFF,
        routes=0,
        workers=1,
        log=True,
        certificates=certificates,
        folder=tmp_path,
    )


def client(setup):
    context = ssl.create_default_context(cafile=str(setup.certificates.ca))
    if setup.tls is Tls.MUTUAL:
        context.load_cert_chain(setup.certificates.client_cert, setup.certificates.client_key)
    return httpx.Client(verify=context, headers={"host": HOST}, trust_env=False)


def ask(setup, path="/"):
    scheme = "http" if setup.tls is Tls.OFF else "https"
    extensions = {} if setup.tls is Tls.OFF else {"sni_hostname": HOST}
    with client(setup) as session:
        return session.get(f"{scheme}://{setup.listen}{path}", extensions=extensions)


def awaited(told):
    """What is told once it is true: peers write logs and send spans after the answer, some up to a second later."""
    deadline = time.monotonic() + 10
    while not (answer := told()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


def written(path):
    return awaited(lambda: path.exists() and path.read_text()) or ""


@pytest.mark.parametrize("tls", list(Tls), ids=lambda tls: tls.value)
@pytest.mark.parametrize("name", PROXIES)
def test_a_peer_serves_the_service_and_logs_it(name, tls, setup):
    chosen = dataclasses.replace(setup, tls=tls)
    with proxy(name, chosen):
        answer = ask(chosen)
        log = written(chosen.folder / "access.log")
    assert (answer.status_code, answer.text) == (200, BODY), f"{name} must pass on what the service answers"
    assert "request_id" in log, f"{name} must write an access log with a request id"


@pytest.mark.parametrize("name", PROXIES)
def test_a_peer_refuses_a_client_without_a_certificate_when_tls_is_mutual(name, setup):
    chosen = dataclasses.replace(setup, tls=Tls.MUTUAL)
    with proxy(name, chosen):
        context = ssl.create_default_context(cafile=str(chosen.certificates.ca))
        request = httpx.Request(
            "GET", f"https://{chosen.listen}/", headers={"host": HOST}, extensions={"sni_hostname": HOST}
        )
        with httpx.Client(verify=context, trust_env=False) as session:
            try:
                status = session.send(request).status_code
            except httpx.TransportError:
                status = None
    assert status in {None, 400}, f"{name} must not serve a client that it does not know"


@pytest.fixture
def seen():
    """A service that keeps the headers of the last request."""
    headers = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            headers.update(self.headers)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", headers
        server.shutdown()


@pytest.mark.parametrize("count", [0, 1, 5])
@pytest.mark.parametrize("name", PROXIES)
def test_a_peer_reads_one_header_and_adds_one_for_each_filter(name, count, setup, seen):
    address, headers = seen
    chosen = dataclasses.replace(setup, service=address, chain=Chain(headers=count))
    with proxy(name, chosen), client(chosen) as session:
        assert session.get(f"http://{chosen.listen}/", headers={"x-tenant": "red"}).status_code == 204
    added = {
        field.lower(): value for field, value in headers.items() if field.lower().startswith("x-tenant-")
    }
    assert added == {f"x-tenant-{number}": "red" for number in range(count)}, f"{name} must add {count}"


@pytest.mark.parametrize("busy", [Busy.INLINE, Busy.BLOCKING], ids=lambda busy: busy.value)
def test_a_busy_filter_is_on_a_route_of_its_own(busy, setup):
    chosen = dataclasses.replace(setup, chain=Chain(busy=busy))
    with proxy("flatproxy", chosen):
        assert [ask(chosen, path).status_code for path in ("/", "/busy")] == [200, 200]


@pytest.fixture
def collected():
    """A collector of traces."""
    with Collector("127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", ["flatproxy", "envoy"])
def test_a_peer_traces_and_refuses_what_the_policy_does_not_allow(name, setup, collected):
    chosen = dataclasses.replace(setup, chain=Chain(sampled=100), collector=collected)
    url, tenant = f"http://{chosen.listen}/v1/orders", {"x-tenant": "bench"}
    with proxy(name, chosen), client(chosen) as session:
        assert session.get(url, headers=tenant).text == BODY
        assert session.get(url).status_code == 403, f"{name} must not let in who does not say its tenant"
        assert session.post(url, headers=tenant).status_code == 403, f"{name} must let in GET only"
        elsewhere = session.get(f"http://{chosen.listen}/v2", headers=tenant)
        assert elsewhere.status_code == 403, f"{name} must let in nobody beside /v1"
        assert awaited(lambda: spans(collected) >= 4), f"{name} must export a span for each request"
    assert spans(collected) == 4


@pytest.mark.parametrize("name", PROXIES)
def test_a_peer_routes_by_table(name, setup):
    chosen = dataclasses.replace(setup, routes=10)
    with proxy(name, chosen):
        assert ask(chosen, "/service-7/item").status_code == 200
        assert ask(chosen, "/service-10/item").status_code in {404, 503}, "beyond the table there is no route"


@pytest.mark.needs("wrk")
def test_wrk_counts_a_response_of_another_length_as_an_error(service, certificates, tmp_path):
    from bench.loads import Aim, wrk

    aim = Aim(service, Tls.OFF, certificates, "0", tmp_path)
    right = wrk(aim, connections=2, seconds=1, length=len(BODY))
    wrong = wrk(aim, connections=2, seconds=1, length=len(BODY) + 1)
    assert right.errors == 0
    assert right.completed > 0
    assert wrong.errors >= wrong.completed > 0, "every response had the wrong length"
