"""The plan document: exactly the structs of `crates/dataplane/src/plan/document/`, field by field."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import msgpack
import pytest

from flatproxy.config import load
from flatproxy.core import native
from flatproxy.core.plan import Plan
from flatproxy.core.registry import Registry

RUST = Path(__file__).parents[3] / "crates/dataplane/src/plan/document/"
NUMBERS = {"u8": 2**8, "u16": 2**16, "u32": 2**32, "u64": 2**64}


@dataclass
class Types:
    """What the Rust file declares, and which of it a document was seen to use."""

    structs: dict[str, dict[str, str]]
    enums: dict[str, dict[str, str | None]]
    seen: set[str] = field(default_factory=set)

    def check(self, kind: str, value: object, where: str) -> None:
        """Fail when `value` is not what Rust would read as `kind`."""
        if kind in self.structs:
            self._struct(kind, value, where)
        elif kind in self.enums:
            self._enum(kind, value, where)
        elif inner := re.fullmatch(r"Option<(.+)>", kind):
            _ = value is None or self.check(inner[1], value, where)
        elif kind == "Vec<u8>":
            assert isinstance(value, bytes), f"{where} is serde_bytes: bytes, not {value!r}"
        elif inner := re.fullmatch(r"Vec<(.+)>", kind):
            for number, item in enumerate(value):
                self.check(inner[1], item, f"{where}[{number}]")
        else:
            self._plain(kind, value, where)

    def _struct(self, kind: str, value: object, where: str) -> None:
        self.seen.add(kind)
        assert set(value) == set(self.structs[kind]), f"{where} must have the fields of {kind}"
        for name, inner in self.structs[kind].items():
            self.check(inner, value[name], f"{where}.{name}")

    def _enum(self, kind: str, value: object, where: str) -> None:
        variants = self.enums[kind]
        name, content = (value, None) if isinstance(value, str) else next(iter(value.items()))
        assert name in variants, f"{where}: {kind} has no variant {name}"
        self.seen.add(f"{kind}.{name}")
        assert (variants[name] is None) == isinstance(value, str), f"{where}: {name} carries {variants[name]}"
        if variants[name] is not None:
            assert len(value) == 1, f"{where}: one variant at a time"
            self.check(variants[name], content, f"{where}.{name}")

    def _plain(self, kind: str, value: object, where: str) -> None:
        if kind in NUMBERS:
            assert isinstance(value, int), f"{where} must be a number, not {value!r}"
            assert 0 <= value < NUMBERS[kind], f"{where} must fit into {kind}"
        elif kind == "bool":
            assert isinstance(value, bool), f"{where} must be true or false"
        elif kind == "(String, String)":
            assert [type(part) for part in value] == [str, str], f"{where} must be two texts"
        else:
            assert kind in ("String", "SocketAddr", "IpAddr"), f"{where}: what is a {kind}?"
            assert isinstance(value, str), f"{where} must be text"


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.fixture
def types():
    files = "\n".join(file.read_text(encoding="utf-8") for file in sorted(RUST.glob("*.rs")))
    text = re.sub(r"^\s*///?.*$", "", files, flags=re.MULTILINE)
    structs, enums = {}, {}
    for kind, name, body in re.findall(r"pub (struct|enum) (\w+) \{(.*?)\n\}", text, flags=re.DOTALL):
        if kind == "struct":
            fields = re.findall(r'(?:#\[serde\(rename = "(\w+)"\)\]\s*)?pub (\w+): (.+),', body)
            structs[name] = {renamed or plain: inner for renamed, plain, inner in fields}
        else:
            found = re.findall(r'(?:rename = "([\d.]+)"\)\]\s*)?\b([A-Z]\w*)(?:\((\w+)\))?,', body)
            enums[name] = {renamed or snake(plain): inner or None for renamed, plain, inner in found}
    return Types(structs, enums)


def document(maximal):
    plan = Plan.build(load(maximal.path), Registry(), maximal.identity)
    return msgpack.unpackb(plan.document)


def test_the_rust_file_was_understood(types):
    assert len(types.structs) >= 20, "the pattern for structs no longer fits document.rs"
    assert types.structs["Route"]["match"] == "RouteMatch", "renamed fields are known by their new name"
    assert types.enums["HashKey"] == {"header": "String", "path": None, "source": None, "peer": None}
    assert set(types.enums["TlsVersion"]) == {"1.2", "1.3"}


def test_every_field_is_one_that_rust_reads(types, maximal):
    types.check("PlanDocument", document(maximal), "plan")
    unused = types.structs.keys() - types.seen - {"FilterUse"}  # filters come with a version that runs them
    assert not unused, f"the maximal configuration should use every struct, but not {unused}"


def test_the_core_compiles_it(maximal):
    plan = Plan.build(load(maximal.path), Registry(), maximal.identity)
    assert native.check(plan.document, plan.filters) is None, "what we write, the core takes"


def test_values_arrive_as_they_were_written(maximal):
    plan = document(maximal)
    web, orders = plan["listeners"][0], plan["upstreams"][0]
    assert web["address"] == "[::1]:8443"
    assert web["limits"]["headers"] == 60, "the listener's own limit"
    assert web["limits"]["head_bytes"] == 32 << 10, "the file's limit"
    assert web["limits"]["head_timeout_ms"] == 5000
    assert web["tls"]["min_version"] == "1.3"
    assert web["tls"]["client"]["trust_domain"] == "demo.mesh"
    assert "BEGIN X509 CRL" in web["tls"]["client"]["crl_pem"]
    assert web["forwarded"]["client_cert_header"] == "x-client", "header names are lower case"
    assert web["forwarded"]["trusted"][1] == {"address": "::1", "prefix": 128}
    assert [route["timeout_ms"] for route in web["routes"]] == [5000, 15000, 0]
    route = web["routes"][0]
    assert route["match"]["headers"][1] == {"name": "x-b", "value": {"present": True}}
    assert route["action"]["forward"]["upstreams"][1] == {"upstream": "other", "weight": 1}
    assert web["routes"][2]["action"]["respond"]["body"] == "hi é".encode()
    assert orders["balance"] == {"ring_hash": {"header": "x-user"}}
    assert orders["tls"]["verify"] == {"identity": "spiffe://demo.mesh/orders"}
    assert orders["health_check"]["probe"]["http"]["status_max"] == 399
    assert orders["endpoints"][2] == {"host": "::1", "port": 80, "weight": 1}
    assert plan["upstreams"][1]["tls"]["verify"] == {"name": "name.example"}, "the one name of its endpoints"
    assert plan["upstreams"][1]["ejection"] is None, "switched off"
    assert plan["listeners"][2]["tls"]["certificates"][0]["chain_pem"] == maximal.identity.chain_pem, "ours"
