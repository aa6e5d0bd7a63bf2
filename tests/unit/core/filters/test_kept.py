"""The filters of a plan that a crashed process leaves: the same again, from what they were loaded from."""

import pytest

from flatproxy.config import load
from flatproxy.core.filters.files import FilterFiles
from flatproxy.core.filters.found import FilterError
from flatproxy.core.filters.kept import keep, restore
from flatproxy.core.filters.placing import Placement
from flatproxy.core.registry import Registry

CONFIG = """\
listeners:
- name: web
  listen: 127.0.0.1:80
  routes:
  - {name: a, match: {path: {exact: /a}}, redirect: {path: /}, filters: [{use: ./own.py, options: {limit: 123456789012345678901}}]}
  - {name: b, redirect: {path: /}, filters: [{use: ./own.py, options: {limit: 123456789012345678901}}]}
"""
OWN = """\
from flatproxy import Filter, Options

class Own(Filter):
    name = "own"
    shared = SHARED

    class Options(Options):
        limit: int
"""


@pytest.fixture
def place(tmp_path):
    def run(shared):
        (tmp_path / "flatproxy.yaml").write_text(CONFIG)
        (tmp_path / "own.py").write_text(OWN.replace("SHARED", str(shared)))
        files = FilterFiles(tmp_path)
        placement = Placement(load(tmp_path / "flatproxy.yaml"), Registry(), files)
        assert not placement.problems
        return placement.placed, files.sources

    return run


@pytest.mark.parametrize(("shared", "instances"), [(False, 2), (True, 1)])
def test_what_is_kept_is_made_again(place, tmp_path, shared, instances):
    placed, sources = place(shared)
    (tmp_path / "own.py").write_text("a crash is not a reload")
    again = restore(keep(placed), str(tmp_path), sources)
    assert [one.key for one in again] == [one.key for one in placed]
    assert [one.options for one in again] == [one.options for one in placed], "with numbers of any size"
    assert len({id(one.filter) for one in again}) == instances
    assert [one.scope for one in again] == [one.scope for one in placed]


def test_nothing_kept_is_nothing_made():
    assert restore([], "/", {}) == []


def test_what_cannot_be_made_again_is_told(place, tmp_path):
    placed, _ = place(False)
    kept = keep(placed)
    (tmp_path / "own.py").unlink()
    with pytest.raises(FilterError) as caught:
        restore(kept, str(tmp_path), {})
    lines = str(caught.value).splitlines()
    assert len(lines) == 2, "each with its place"
    assert lines[0] == f"{tmp_path}/flatproxy.yaml:5:80: cannot read {tmp_path}/own.py: no such file"
