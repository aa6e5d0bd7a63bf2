"""docs/security.md promises nothing that no test does: every test that it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`([\w/.-]+\.(?:py|rs))::(\w+)`")
PAGE = (ROOT / "docs/security.md").read_text().partition("\n## What FlatProxy withstands\n")[2]
ROWS = [line for line in PAGE.splitlines() if re.match(r"\| (?!attack |fault |---)", line)]


def defined(path: Path) -> set[str]:
    """The tests of a file, in either language."""
    test = r"^def (test_\w+)\(" if path.suffix == ".py" else r"#\[(?:tokio::)?test\]\s+(?:async )?fn (\w+)\("
    return set(re.findall(test, path.read_text(), re.MULTILINE))


def test_the_page_has_its_tables():
    assert len(ROWS) > 30, "docs/security.md should tell what FlatProxy withstands"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0].strip("| "))
def test_every_promise_names_tests_that_exist(row):
    named = NAMED.findall(row)
    assert named, "a promise should name the test that provokes it"
    for file, test in named:
        assert (ROOT / file).is_file(), f"{file} should be there"
        assert test in defined(ROOT / file), f"{file} should have the test {test}"
