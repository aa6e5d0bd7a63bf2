"""Building a plan: what it takes, what it refuses, and what it shows of itself."""

import json

import msgpack
import pytest

from flatproxy import Filter
from flatproxy.config import ConfigErrors, load
from flatproxy.core.plan import Plan
from flatproxy.core.registry import Registry


def refusals(path, registry, identity):
    with pytest.raises(ConfigErrors) as caught:
        Plan.build(load(path), registry, identity)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


class DenyList(Filter):
    name = "deny_list"


FILTERED = """\
listeners:
- name: web
  listen: 127.0.0.1:80
  routes:
  - name: all
    redirect: {path: /}
    filters:
    - use: deny_lst
    - use: rate_limit
"""


@pytest.fixture
def filtered(tmp_path):
    path = tmp_path / "flatproxy.yaml"
    path.write_text(FILTERED)
    return path


def test_a_filter_that_is_not_installed_is_an_error_at_its_place(filtered):
    assert refusals(filtered, Registry(), None) == [
        "8:12: no filter named 'deny_lst': no filter is installed",
        "9:12: no filter named 'rate_limit': no filter is installed",
    ]


def test_the_error_names_what_is_installed(filtered):
    assert refusals(filtered, Registry.of([DenyList]), None) == [
        "8:12: no filter named 'deny_lst'; did you mean 'deny_list'?",
        "9:12: no filter named 'rate_limit'; installed: deny_list",
    ]


def test_an_installed_filter_is_in_the_plan_with_its_instance(filtered):
    filtered.write_text(FILTERED.replace("deny_lst", "deny_list").replace("    - use: rate_limit\n", ""))
    plan = Plan.build(load(filtered), Registry.of([DenyList]), None)
    (instance,) = plan.filters.values()
    assert isinstance(instance, DenyList)
    (use,) = msgpack.unpackb(plan.document)["listeners"][0]["routes"][0]["filters"]
    assert use == {"name": "deny_list", "options": b"web:all:0", "fail_open": False, "timeout_ms": 1000}
    assert list(plan.filters) == ["web:all:0"], "the document names the instance by its key"
    described = plan.description["listeners"][0]["routes"][0]["filters"]
    assert [one["name"] for one in described] == ["deny_list"]


def test_files_are_read_again_for_every_plan(maximal):
    config = load(maximal.path)
    before = Plan.build(config, Registry(), maximal.identity)
    (maximal.path.parent / "own.pem").write_text("no longer a certificate")
    (maximal.path.parent / "ca.pem").unlink()
    with pytest.raises(ConfigErrors) as caught:
        Plan.build(config, Registry(), maximal.identity)
    messages = [problem.message for problem in caught.value.problems]
    folder = maximal.path.parent
    assert messages == [
        f"{folder}/own.pem holds no certificate (PEM)",
        f"cannot read {folder}/ca.pem: no such file or directory",
        f"cannot read {folder}/ca.pem: no such file or directory",
    ], "a renewed file that is bad is found when the plan is built"
    assert before.document, "the plan that was built before is not touched"


def test_an_identity_that_is_missing_is_said_where_it_is_needed(maximal):
    places = refusals(maximal.path, Registry(), None)
    assert any("there is no identity to take a certificate from" in place for place in places), places


def test_the_same_configuration_gives_the_same_document(maximal):
    first, second = (Plan.build(load(maximal.path), Registry(), maximal.identity) for _ in range(2))
    assert first.document == second.document, "a reload that changes nothing should be seen to change nothing"


def test_the_description_is_json_without_secrets(maximal):
    plan = Plan.build(load(maximal.path), Registry(), maximal.identity)
    shown = json.dumps(plan.description) + repr(plan)
    assert "PRIVATE KEY" not in shown, "a key must never be shown"
    assert "open sesame" not in shown, "headers that may carry a secret are hidden"
    listener = json.loads(shown[: shown.index("Plan(")])["listeners"][0]
    assert "spiffe://demo.mesh/proxy" in listener["tls"]["certificates"][0]["names"], (
        "certificates are summed up"
    )
    assert listener["routes"][0]["match"]["path"] == {"prefix": "/v1"}
    assert listener["routes"][2]["action"]["respond"]["body"] == "5 bytes", "a page need not be shown whole"
