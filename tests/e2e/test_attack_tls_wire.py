"""What a stranger may send in place of a TLS handshake: an alert or a close within its time, and nobody else notices."""

import os
import socket
import ssl
import subprocess
import time

import pytest

from tests.e2e.stand.certificates import Mesh
from tests.e2e.stand.client import Client, Neighbour, member
from tests.e2e.stand.deployment import Deployment, listener, upstream
from tests.e2e.stand.service import Service, answer

HANDSHAKE_SECONDS = 1
ENOUGH_BYTES = 1024 * 1024
SLACK_SECONDS = 10  # for a machine that does many other things

HTTP = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
RECORD = b"\x16\x03\x01"  # a handshake record of TLS 1.0, as every ClientHello is one


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    return Mesh.found(tmp_path_factory.mktemp("mesh"))


@pytest.fixture(scope="module")
def service():
    with Service(answer) as service:
        yield service


@pytest.fixture(scope="module")
def proxy(mesh, service, tmp_path_factory):
    with Deployment(
        tmp_path_factory.mktemp("proxy"),
        identity=mesh.identity,
        limits={"tls_handshake_timeout": HANDSHAKE_SECONDS},
        listeners=[listener(tls={"mode": "simple"})],
        upstreams=[upstream(service.address)],
    ) as deployment:
        yield deployment.ready()


@pytest.fixture
def tls(mesh):
    return member(mesh.folder / "ca.pem")


@pytest.fixture(scope="module")
def neighbour(proxy, mesh):
    with Neighbour(proxy.address(), tls=member(mesh.folder / "ca.pem")) as neighbour:
        yield neighbour


@pytest.fixture
def alive(proxy, neighbour):
    """The same process, and a neighbour who gets every answer meanwhile."""
    before = proxy.status()["pid"]
    yield
    neighbour.is_well()
    assert proxy.status()["pid"] == before, "the proxy should not have died"


def hello(name="localhost", *protocols):
    """A good ClientHello."""
    context = ssl.create_default_context()
    if protocols:
        context.set_alpn_protocols(protocols)
    arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(arriving, leaving, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return leaving.read()


def record(content, kind=0x16):
    return bytes((kind, 3, 1)) + len(content).to_bytes(2, "big") + content


GARBAGE = {
    "noise": os.urandom(4000),
    "plain text": HTTP,
    "noise in a record": record(os.urandom(4000)),
    "a record that is too large": RECORD + b"\xff\xff" + bytes(65535),
    "records without content": record(b"") * 20000,
    "a hello of 16 MiB": record(b"\x01\xff\xff\xff" + bytes(16000)) + record(bytes(16000)) * 100,
    "a hello that was cut": hello()[:-1] + b"\x00" * 40,
    "a hello twice": hello() * 2,
    "alerts without end": record(b"\x01\x00", kind=0x15) * 20000,
    "data before the handshake": record(HTTP, kind=0x17),
    "a key change before the handshake": record(b"\x01", kind=0x14) * 20000,
    "another message than a hello": record(b"\x0b\x00\x00\x03\x00\x00\x00"),
    "SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(40),
    "a name with a NUL": hello("inert.demo").replace(b"inert.demo", b"in\0rt.demo"),
    "a name that is none": hello("inert.demo").replace(b"inert.demo", b"\xff..%s/\r\n!!"),
    "a name without letters": hello("inert.demo").replace(b"inert.demo", b".........."),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_a_stranger_is_closed_who_sends(what, proxy, service, alive):
    asked = len(service.requests)
    with socket.create_connection(proxy.address(), timeout=HANDSHAKE_SECONDS + SLACK_SECONDS) as stranger:
        heard = says(stranger, GARBAGE[what])
    assert not heard.startswith(b"HTTP"), "plain text may not be answered in plain text"
    assert all(request.path == "/" for request in service.requests[asked:])


def says(stranger, data):
    """All that comes back until the end, which has to come."""
    heard = b""
    try:
        stranger.sendall(data)
        while some := stranger.recv(65536):
            heard += some
    except (ConnectionResetError, BrokenPipeError):
        pass
    return heard


def test_a_hello_without_end_is_not_read_to_its_end(proxy, alive):
    sent = 0
    with socket.create_connection(proxy.address(), timeout=HANDSHAKE_SECONDS + SLACK_SECONDS) as stranger:
        stranger.sendall(record(b"\x01\xff\xff\xff"))
        try:
            while sent < 64 * ENOUGH_BYTES:
                sent += stranger.send(record(bytes(16000)) * 10)
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert sent < 16 * ENOUGH_BYTES, f"a hello is small; {sent} bytes of one were taken"


@pytest.mark.parametrize(
    ("what", "protocols"),
    [("small", []), ("of many records", [f"p{at:0250d}" for at in range(200)] + ["http/1.1"])],
)
def test_a_hello_in_single_bytes_is_as_good_as_whole(what, protocols, proxy, tls):
    if protocols:
        tls.set_alpn_protocols(protocols)
    arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = tls.wrap_bio(arriving, leaving, server_hostname="localhost")
    with socket.create_connection(proxy.address(), timeout=SLACK_SECONDS) as tcp:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                step = 1 if not protocols else 997
                data = leaving.read()
                for at in range(0, len(data), step):
                    tcp.sendall(data[at : at + step])
                arriving.write(tcp.recv(65536))
        client.write(HTTP)
        tcp.sendall(leaving.read())
        answered = b""
        while not answered:
            arriving.write(tcp.recv(65536))
            try:
                answered = client.read(65536)
            except ssl.SSLWantReadError:
                continue
    assert answered.startswith(b"HTTP/1.1 200"), f"a hello {what}, sent bit by bit, should be understood"


@pytest.mark.parametrize(
    "sent", [b"", RECORD, hello()[:50]], ids=["nothing", "a record's head", "half a hello"]
)
def test_a_handshake_has_its_time(sent, proxy, alive):
    before = proxy.metric("flatproxy_tls_handshakes_refused_total", reason="timeout")
    began = time.monotonic()
    with socket.create_connection(proxy.address(), timeout=HANDSHAKE_SECONDS + SLACK_SECONDS) as silent:
        silent.sendall(sent)
        says(silent, b"")
    assert time.monotonic() - began > HANDSHAKE_SECONDS * 0.9, "a client has the whole of that time"
    assert proxy.metric("flatproxy_tls_handshakes_refused_total", reason="timeout") == before + 1


def test_a_handshake_that_trickles_in_gets_no_more_time(proxy, alive):
    began = time.monotonic()
    with socket.create_connection(proxy.address(), timeout=SLACK_SECONDS) as slow:
        slow.settimeout(0.1)
        for byte in hello():
            try:
                slow.sendall(bytes((byte,)))
                if not slow.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
    assert time.monotonic() - began < HANDSHAKE_SECONDS + SLACK_SECONDS


# === openssl s_client as the client ===


@pytest.fixture
def s_client(proxy, mesh):
    """A running `openssl s_client` that trusts us."""

    def talk(said, *options):
        address = "{}:{}".format(*proxy.address())
        trust = ["-CAfile", str(mesh.folder / "ca.pem"), "-verify_return_error"]
        command = ["openssl", "s_client", "-connect", address, *trust, *options]
        return subprocess.run(command, input=said, capture_output=True, timeout=20, check=False)

    return talk


@pytest.mark.needs("openssl")
def test_a_renegotiation_is_refused(s_client, service, alive):
    done = s_client(b"R\n", "-tls1_2")
    said = done.stdout + done.stderr
    assert b"RENEGOTIATING" in said, "the client should have asked for it"
    assert b"SSL alert number" in said, (
        f"the proxy should have ended the connection by an alert: {said.decode()}"
    )


@pytest.mark.needs("openssl")
def test_early_data_is_not_taken(s_client, service, tmp_path, alive):
    early = tmp_path / "early"
    early.write_bytes(b"POST /early HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n")
    session = str(tmp_path / "session")
    first = s_client(HTTP, "-tls1_3", "-sess_out", session, "-ign_eof", "-quiet")
    assert b"200 OK" in first.stdout, first.stderr.decode()
    again = s_client(b"", "-tls1_3", "-sess_in", session, "-early_data", str(early))
    assert b"Early data was accepted" not in again.stdout
    assert b"Reused, TLSv1.3" in again.stdout, "the session itself is good"
    assert not [request for request in service.requests if request.path == "/early"]


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    "name", ["127.0.0.1", "[::1]", "a", "x" * 250, "a..b", "localhost.", "*.demo", "-", "xn--0"]
)
def test_a_client_that_asks_for_an_odd_name_is_answered_or_refused(name, s_client, alive):
    done = s_client(b"", "-servername", name, "-verify_hostname", "localhost")
    assert b"Verification: OK" in done.stdout or b"alert" in done.stderr, done.stderr.decode()


def test_the_listener_still_serves(proxy, tls):
    with Client(proxy.address(), tls) as client:
        assert client.get().status == 200
