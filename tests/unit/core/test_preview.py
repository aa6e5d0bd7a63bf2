"""Looking at a configuration without serving it: nothing is written, and the core has its say."""

import pytest

from flatproxy.config import ConfigErrors, load
from flatproxy.core.identity import EmbeddedAuthority
from flatproxy.core.preview import preview

REGEX = """\
listeners:
- name: web
  listen: 127.0.0.1:80
  routes:
  - {name: fine, redirect: {path: /}}
  - {name: bad, match: {path: {regex: '/x{2,1}'}}, redirect: {path: /}}
"""
IDENTITY = """\
identity: {trust_domain: demo.mesh, state: state}
listeners:
- name: web
  listen: 127.0.0.1:80
  tls: {mode: mutual}
  routes: [{name: fine, redirect: {path: /}}]
"""


def write(folder, text):
    path = folder / "flatproxy.yaml"
    path.write_text(text)
    return path


def test_the_core_has_compiled_what_is_fine(maximal):
    assert preview(load(maximal.path)).compiled, "the native core is there, so it was asked"


def test_what_only_the_core_can_judge_is_reported_at_its_place(tmp_path):
    path = write(tmp_path, REGEX)
    with pytest.raises(ConfigErrors) as caught:
        preview(load(path))
    (problem,) = caught.value.problems
    assert str(problem.place) == f"{path}:6:5", "the route that the core refused"
    assert "repetition count range" in problem.message, "in the core's words"


def test_no_authority_is_made_by_looking(tmp_path):
    plan = preview(load(write(tmp_path, IDENTITY))).plan
    assert not (tmp_path / "state").exists(), "check and explain leave no trace"
    certificate = plan.description["listeners"][0]["tls"]["certificates"][0]
    assert "spiffe://demo.mesh/flatproxy" in certificate["names"], "the plan is as run would make it"


def test_an_authority_of_another_trust_domain_is_found(tmp_path):
    EmbeddedAuthority(tmp_path / "state", "other.mesh").initialise()
    path = write(tmp_path, IDENTITY)
    with pytest.raises(ConfigErrors) as caught:
        preview(load(path))
    expected = f"{path}:1:44: {tmp_path}/state holds the authority of 'other.mesh', not of 'demo.mesh'"
    assert str(caught.value) == expected
