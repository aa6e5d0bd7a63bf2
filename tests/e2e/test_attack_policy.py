"""What a client says of itself, and the ways to write one path: no policy is got round by them."""

import posixpath
import re
import urllib.parse

import pytest

from tests.e2e.stand.certificates import SHOP
from tests.e2e.stand.client import Client, member
from tests.e2e.stand.deployment import listener, route, upstream
from tests.e2e.stand.nginx import Nginx

# === paths ===

# Each of these is `/admin/x`, or nothing, to somebody.
DISGUISES = [
    "/admin/x",
    "//admin/x",
    "/./admin/x",
    "/public/../admin/x",
    "/public/%2e%2e/admin/x",
    "/public/%2E./admin/x",
    "/public/.%2e/admin/x",
    "/public//../admin/x",
    "/public/..//admin/x",
    "/public/../../admin/x",
    "/public/..%2fadmin/x",
    "/public%2f..%2fadmin/x",
    "/%2fadmin/x",
    "/%2e/admin/x",
    "/%61dmin/x",
    "/adm%69n/x",
    "/admin%2fx",
    "/admin%00/x",
    "/admin%00.png",
    "/public/..;/admin/x",
    "/public/..;a=b/admin/x",
    "/public/%2e%2e;/admin/x",
    "/public\\..\\admin\\x",
    "/public/..%5cadmin/x",
    "/public/%5c../admin/x",
    "\\admin\\x",
    "/public#/../admin/x",
    "/public?/../admin/x",
    "/public/%c0%ae%c0%ae/admin/x",
    "/public/%c0%af../admin/x",
    "/public/%e0%80%ae%e0%80%ae/admin/x",
    "/public/%u002e%u002e/admin/x",
    "/public/%2/../admin/x",
    "/public/\x00../admin/x",
    "/public/\t../admin/x",
    "/public/\xc0\xae\xc0\xae/admin/x",
    "http://localhost/admin/x",
    "http://localhost/public/../admin/x",
    "http://localhost//admin/x",
    "http:///admin/x",
    "admin/x",
]

GUARD = route("guard", None, match={"path": {"prefix": "/admin"}}, respond={"status": 403, "body": "guarded"})
LOCATIONS = """
location / { return 200 "public"; }
location /admin { return 200 "ADMIN"; }
"""


@pytest.mark.needs("nginx")
def test_a_guarded_path_is_reached_in_no_disguise(deploy, tmp_path, free_port):
    with Nginx(tmp_path, free_port, LOCATIONS) as nginx:
        proxy = deploy(listeners=[listener(GUARD, route())], upstreams=[upstream(nginx.address)])
        for path in DISGUISES:
            with Client(proxy.address()) as client:
                answer = client.get(path)
            assert answer.body != b"ADMIN", f"{path!r} should not get past the guard"
            assert answer.status in {200, 400, 403}, f"{path!r}: {answer}"
        with Client(("127.0.0.1", free_port)) as client:
            assert client.get("/public/%2e%2e/admin/x").body == b"ADMIN", "or else this would prove nothing"


def test_no_service_can_read_a_path_differently_than_it_was_routed(deploy, service):
    proxy = deploy(listeners=[listener(GUARD, route())], upstreams=[upstream(service.address)])
    for path in DISGUISES:
        with Client(proxy.address()) as client:
            client.get(path)
    for request in service.requests:
        for reading in readings(request.path):
            assert not reading.startswith("/admin"), f"a service could read {request.path!r} as {reading!r}"


def readings(path):
    """How services of different kinds read a path."""
    path = re.split("[?#]", path)[0]
    for decoded in (path, urllib.parse.unquote(path, "latin-1")):
        for slashed in (decoded, decoded.replace("\\", "/")):
            bare = re.sub(r"(?<=\.\.);[^/]*", "", slashed)
            yield posixpath.normpath("/" + bare.lstrip("/"))
            yield posixpath.normpath("/" + bare.lstrip("/").split("\0")[0])


# === what a client says of itself ===

FORGED = [
    ("x-forwarded-for", "10.9.8.7"),
    ("x-forwarded-proto", "gopher"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-client-cert", "URI=spiffe://demo.mesh/admin"),
    ("x-flatproxy-flag", "FORGED"),
    ("x-flatproxy-identity", "FORGED"),
    ("x-request-id", "forged-by-the-client"),
]
LIES = ("10.9.8.7", "gopher", "evil.example", "/admin", "FORGED", "forged-by")
SPELLINGS = {
    "plain": lambda name: name,
    "capital": lambda name: name.title(),
    "upper": lambda name: name.upper(),
    "underscores": lambda name: name.replace("-", "_"),
    "mixed": lambda name: name.replace("-", "_", 1).title(),
}


@pytest.fixture
def known(deploy, service, mesh):
    """A client of the mesh, known as the shop."""
    proxy = deploy(
        identity=mesh.identity,
        listeners=[listener(tls={"mode": "mutual"})],
        upstreams=[upstream(service.address)],
    )
    with Client(proxy.address(), member(mesh.folder / "ca.pem", mesh.issue("shop"))) as client:
        yield client


def tells_the_truth(request):
    text = (request.head + request.trailers).decode("latin-1")
    assert not [lie for lie in LIES if lie in text], f"a service was told what the client made up:\n{text}"
    (certificate,) = request.values("x-forwarded-client-cert")
    assert re.fullmatch(rf"Hash=[0-9a-f]{{64}};URI={SHOP}", certificate)
    assert request.values("x-forwarded-for") == ["127.0.0.1"]
    assert request.values("x-forwarded-proto") == ["https"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_a_client_makes_up_reaches_no_service(spelling, known, service):
    lines = [f"{SPELLINGS[spelling](name)}: {value}" for name, value in FORGED]
    assert known.get("/", *lines, *lines).status == 200
    tells_the_truth(service.requests[0])


def test_what_a_client_makes_up_reaches_no_service_as_a_trailer(known, service):
    trailers = "".join(
        f"{spell(name)}: {value}\r\n" for name, value in FORGED for spell in SPELLINGS.values()
    )
    known.send(
        "POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n"
        f"trailer: {', '.join(name for name, _ in FORGED)}\r\n\r\n2\r\nab\r\n0\r\n{trailers}\r\n"
    )
    assert known.response().status == 200
    tells_the_truth(service.requests[0])


def test_a_client_cannot_have_our_own_headers_removed(known, service):
    """Headers that `Connection` names end at the next hop: that must not take away what we add."""
    ours = ", ".join(name for name, _ in FORGED)
    assert known.get("/", f"connection: {ours}, via", f"connection: keep-alive, {ours}").status == 200
    tells_the_truth(service.requests[0])
    assert service.requests[0].values("via")
