"""docs/dependencies.md gives a reason for everything that we stand on, and the lock file names it exactly."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def python_dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    requirements = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    return [re.split(r"[<>=\[; ]", requirement)[0] for requirement in requirements]


def rust_dependencies() -> list[str]:
    names: set[str] = set()
    for manifest in sorted(ROOT.glob("crates/*/Cargo.toml")):
        tables = tomllib.loads(manifest.read_text())
        names |= tables.get("dependencies", {}).keys() | tables.get("dev-dependencies", {}).keys()
    ours = {tomllib.loads(path.read_text())["package"]["name"] for path in ROOT.glob("crates/*/Cargo.toml")}
    return sorted(names - ours)


@pytest.mark.parametrize("name", [*python_dependencies(), *rust_dependencies()])
def test_a_dependency_has_its_reason(name):
    words = re.split(r"[\s|,`()\[\]:]+", (ROOT / "docs/dependencies.md").read_text())
    assert name in words, f"docs/dependencies.md must say in one line why {name} is here"


@pytest.mark.parametrize("name", python_dependencies())
def test_a_python_dependency_is_pinned(name):
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE)
    normal = {re.sub(r"[-_.]+", "-", one).lower() for one in pinned}
    assert re.sub(r"[-_.]+", "-", name).lower() in normal, f"`make lock` writes the exact version of {name}"
