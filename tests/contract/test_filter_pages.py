"""docs/phases.md is what the contract says, and the examples of docs/write-a-filter.md work."""

import re
from pathlib import Path

import pytest

import flatproxy
from flatproxy.api.page import page
from flatproxy.api.phases import PHASES
from flatproxy.config import load
from flatproxy.core.filters.files import FilterFiles
from flatproxy.core.filters.placing import Placement
from flatproxy.core.registry import Registry
from tests.unit.api.plugged import announce, run_pytest

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "write-a-filter.md").read_text()
# A file that is shown is named just before it.
FILES = dict(re.findall(r"`([\w.]+)`:\n\n```(?:python|yaml)\n(.*?)```", GUIDE, flags=re.DOTALL))


def test_the_page_of_phases_is_up_to_date():
    expected = "`python -m flatproxy.api.page > docs/phases.md` writes it anew"
    assert (DOCS / "phases.md").read_text() == page(), expected


@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
def test_every_phase_is_documented_with_its_signature(phase):
    assert f"`{phase.signature}`".replace("|", "\\|") in (DOCS / "phases.md").read_text()


def test_everything_that_an_author_imports_is_on_a_page():
    text = (DOCS / "phases.md").read_text() + GUIDE
    missing = [
        name for name in flatproxy.__all__ if name not in text and name not in ("PHASES", "ContractError")
    ]
    assert not missing, f"docs/phases.md or docs/write-a-filter.md should say what {missing} are"


def test_the_guide_shows_its_files():
    assert list(FILES) == [
        "deny_list.py",
        "flatproxy.yaml",
        "busy.py",
        "test_deny_list.py",
        "test_fixture.py",
        "acme_deny_list.py",
    ]


@pytest.mark.parametrize(
    "name", [name for name in FILES if name.endswith(".py") and not name.startswith("test_")]
)
def test_every_filter_of_the_guide_is_one(tmp_path, name):
    (tmp_path / name).write_text(FILES[name])
    found = FilterFiles(tmp_path).find(f"./{name}")
    assert found.kind(found.kind.Options()).name.startswith("acme.")


def test_the_configuration_of_the_guide_uses_its_filter(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    config = load(tmp_path / "flatproxy.yaml")
    placement = Placement(config, Registry(), FilterFiles(tmp_path))
    assert placement.problems == []
    assert [placed.filter.options.agents for placed in placement.placed] == [{"curl"}]


def test_the_tests_of_the_guide_pass(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    announce(tmp_path)
    ran = run_pytest(tmp_path, "test_deny_list.py", "test_fixture.py")
    assert "3 passed" in ran.stdout, ran.stdout
