"""Every configuration that we show as a whole is one: `flatproxy check` has nothing to say against it."""

import re
from pathlib import Path

import pytest

from flatproxy.config import load
from flatproxy.core.preview import preview

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("examples/**/*.yaml"), *ROOT.glob("examples/**/*.yml")])
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
FILTER = re.compile(r"`([\w.]+\.py)`:\n\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```ya?ml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown() -> list[tuple[str, str]]:
    """Whole configurations: files, and blocks of pages that have listeners and the upstreams these lead to."""
    whole = [(str(path.relative_to(ROOT)), path.read_text()) for path in FILES]
    for page in PAGES:
        blocks = [text for text in BLOCK.findall(page.read_text()) if is_whole(text)]
        whole += [(f"{page.relative_to(ROOT)}-{number}", text) for number, text in enumerate(blocks, 1)]
    return whole


def is_whole(text: str) -> bool:
    keys = set(re.findall(r"^(\w+):", text, re.MULTILINE))
    return "listeners" in keys and ("upstreams" in keys or "upstream:" not in text)


def filters_beside(name: str) -> list[tuple[str, str]]:
    """The filter files that a page shows, each named just before it, for the configuration that it shows."""
    page = ROOT / name.rpartition("-")[0]
    return FILTER.findall(page.read_text()) if page.suffix == ".md" else []


def test_there_are_some():
    names = [name for name, _ in shown()]
    assert "examples/demo/flatproxy.yaml" in names
    assert {"README.md-1", "docs/start.md-1", "docs/configuration.md-1"} <= set(names)


@pytest.mark.parametrize(("name", "text"), shown(), ids=[name for name, _ in shown()])
def test_it_passes_check_without_a_warning(name, text, tmp_path):
    path = tmp_path / "flatproxy.yaml"
    path.write_text(text)
    for file, content in filters_beside(name):
        (tmp_path / file).write_text(content)
    config = load(path)
    assert preview(config).compiled, f"{name} should be a plan that the core takes"
    assert config.source.warnings == (), f"{name}: what a reader copies should not be warned of"
