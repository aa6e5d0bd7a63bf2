"""What the pages point to is there: links, and the files that ARCHITECTURE.md and the decisions name."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"), ROOT / "bench/README.md"]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
NAMED = re.compile(r"`([\w/.-]+(?:/|\.(?:rs|py|md|toml|yaml)))`")
# A file is named from where its reader stands: the checkout, the core, the package.
PLACES = (ROOT, ROOT / "crates/dataplane/src", ROOT / "flatproxy", ROOT / "flatproxy/core")
# What a run of the benchmark leaves behind is there after the first one.
MADE = "bench/results"


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page):
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link and MADE not in link]
    broken = [link for link in links if not (page.parent / link).exists()]
    assert not broken, f"{name(page)} links to what is not there: {broken}"


@pytest.mark.parametrize(
    "page", [ROOT / "ARCHITECTURE.md", *sorted(ROOT.glob("docs/decisions/*.md"))], ids=name
)
def test_every_file_that_is_named_exists(page):
    named = NAMED.findall(page.read_text())
    missing = [path for path in named if not any((place / path).exists() for place in PLACES)]
    assert not missing, f"{name(page)} names files that are not there: {missing}"
