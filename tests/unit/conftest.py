"""A configuration that uses every key, with the files it names: for tests of the model, the plan and the command line."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from flatproxy.core.identity import EmbeddedAuthority, Identity

MAXIMAL = """\
admin: {listen: 127.0.0.1:9901, token_file: ./admin.token}
workers: 2
drain: 10s
access_log: ./access.log
dns: {servers: ["127.0.0.53:53"], refresh: 10s}
identity:
  trust_domain: demo.mesh
  authority: embedded
  id: spiffe://demo.mesh/proxy
  state: ./state
  lifetime: 1h
  dns_names: [localhost, 127.0.0.1]
limits: {head: 32KiB, headers: 50, head_timeout: 5s, idle_timeout: 30s, tls_handshake_timeout: 3s, stall_timeout: 20s,
         held_body: 2MiB, write_buffer: 128KiB, body: 10MiB, connections: 500}
listeners:
  - name: web
    listen: "[::1]:8443"
    protocol: http
    tls:
      mode: mutual
      certificates: [{cert: own.pem, key: own.key}]
      client_ca: ca.pem
      crl: crl.pem
      min_version: 1.3
    limits: {headers: 60}
    paths: {dot_segments: reject, encoded_slash: keep, merge_slashes: false}
    forwarded:
      x_forwarded_for: replace
      x_forwarded_proto: false
      via: null
      request_id: make
      client_cert_header: X-Client
      trusted: [10.0.0.0/8, "::1"]
    routes:
      - name: orders
        match:
          host: [orders.demo, "*.b"]
          path: {prefix: /v1}
          methods: [GET, POST]
          headers: {x-env: prod, X-B: {present: true}, authorization: {exact: open sesame}}
          query: {q: {regex: "a+"}, page: {prefix: "1"}}
        upstream: [{name: orders, weight: 9}, other]
        rewrite: {prefix: /v2, host: a.b}
        request_headers: {remove: [X-A], set: {X-B: c, authorization: open sesame}, add: {x-d: e}}
        response_headers: {remove: [server], set: {x-f: g}, add: {set-cookie: open sesame}}
        timeout: 5s
      - name: away
        match: {path: {exact: /old}}
        redirect: {status: 301, scheme: https, host: "new.demo:8443", prefix: /new}
      - name: hello
        match: {path: {regex: "/h.*"}}
        respond: {status: 201, headers: {content-type: text/plain}, body: "hi é"}
        timeout: 0
  - name: plain
    listen: 127.0.0.1:8080
    tls: {mode: "off"}
    routes: [{name: rest, upstream: other}]
  - name: own
    listen: 127.0.0.1:8444
    tls: {mode: mutual}
    routes: [{name: moved, redirect: {path: /}}]
upstreams:
  - name: orders
    endpoints: [127.0.0.1:9001, {address: "10.0.0.1:80", weight: 2}, "[::1]:80"]
    balance: {ring_hash: {header: X-User}}
    tls: {mode: mutual, identity: spiffe://demo.mesh/orders, sni: orders.demo, ca: ca.pem, crl: crl.pem, min_version: "1.2"}
    connect_timeout: 1s
    idle_timeout: 20s
    max_connections: 10
    max_pending: 11
    max_requests: 12
    health_check: {http: {path: /up, host: orders.demo, status: 200-399}, interval: 2s, timeout: 500ms, healthy: 1, unhealthy: 4}
    ejection: {failures: 2, base: 1s, max: 5s, panic: 30%}
  - name: other
    endpoints: [name.example:80]
    balance: least_request
    tls: {mode: simple}
    health_check: {tcp: true}
    ejection: off
"""


@dataclass(frozen=True)
class Maximal:
    """The file, and the identity that a plan of it is built with."""

    path: Path
    identity: Identity

    @property
    def text(self) -> str:
        return self.path.read_text()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedAuthority:
    """An authority of demo.mesh."""
    return EmbeddedAuthority(tmp_path_factory.mktemp("authority"), "demo.mesh")


@pytest.fixture
def maximal(tmp_path: Path, authority: EmbeddedAuthority) -> Maximal:
    """The configuration that uses every key."""
    identity = authority.issue("spiffe://demo.mesh/proxy", ["localhost"])
    authority.revoke(0x1234)
    for name, content in {
        "flatproxy.yaml": MAXIMAL,
        "admin.token": "sesame",
        "own.pem": identity.chain_pem,
        "own.key": identity.key_pem,
        "ca.pem": identity.ca_pem,
        "crl.pem": (authority.state.path / "crl.pem").read_text(),
    }.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    return Maximal(tmp_path / "flatproxy.yaml", identity)
