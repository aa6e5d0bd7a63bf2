"""Each built-in filter is found under its name, and its page has an example that a configuration takes."""

import re
import tomllib
from importlib import import_module
from pathlib import Path
from textwrap import indent

import pytest

from flatproxy.config import load
from flatproxy.core.filters.files import FilterFiles
from flatproxy.core.filters.placing import Placement
from flatproxy.core.registry import Registry

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENTRIES = PROJECT["entry-points"]["flatproxy"]
EXAMPLE = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
HEAD = """\
listeners:
- name: web
  listen: 127.0.0.1:80
  routes:
  - name: all
    redirect: {path: /}
"""


def filters_of(module):
    return import_module(module).register_filters()


@pytest.mark.parametrize(("name", "module"), ENTRIES.items())
def test_an_entry_point_is_named_as_its_filter(name, module):
    assert [kind.name for kind in filters_of(module)] == [name], "the registry loads a built-in by its name"


def test_every_plugin_has_its_entry_point():
    folders = {path.parent.name for path in (ROOT / "flatproxy/plugins").glob("*/__init__.py")}
    assert {name: f"flatproxy.plugins.{name}" for name in folders} == ENTRIES


@pytest.mark.parametrize(("name", "module"), ENTRIES.items())
def test_the_examples_of_its_page_are_taken(name, module, tmp_path):
    page = (ROOT / "flatproxy/plugins" / name / "README.md").read_text()
    examples = EXAMPLE.findall(page)
    assert examples, f"the page of {name} should show how it is used"
    for example in examples:
        path = tmp_path / "flatproxy.yaml"
        path.write_text(HEAD + indent(example, "    "))
        placement = Placement(load(path), Registry.of(filters_of(module)), FilterFiles(tmp_path))
        assert placement.problems == []
        assert [placed.found.name for placed in placement.placed] == [name]
