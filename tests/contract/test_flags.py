"""docs/flags.md explains every row of the table that ends exchanges, with its status and its connection."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r'row\(Flag::\w+, "([A-Z_]+)", (\d+), (true|false)\)')


def table() -> list[tuple[str, str, str]]:
    source = (ROOT / "crates/dataplane/src/respond/flag.rs").read_text()
    return [
        (flag, status, "closed" if close == "true" else "kept") for flag, status, close in ROW.findall(source)
    ]


def explained() -> dict[str, list[str]]:
    page = (ROOT / "docs/flags.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_table_is_found():
    declared = re.search(
        r"TABLE: .*?;\n", (ROOT / "crates/dataplane/src/respond/flag.rs").read_text(), re.DOTALL
    )
    assert declared is not None
    assert len(table()) == declared[0].count("row(") - 1, "every row but that of `None` should be read"


@pytest.mark.parametrize(("flag", "status", "connection"), table())
def test_every_flag_is_explained(flag, status, connection):
    assert flag in explained(), f"docs/flags.md should explain {flag}"
    told_status, told_connection, happened, to_do = explained()[flag]
    assert (told_status, told_connection) == (status, connection), (
        f"docs/flags.md should tell what {flag} does"
    )
    assert happened, f"docs/flags.md should say what {flag} means"
    assert to_do, f"docs/flags.md should say what to do about {flag}"


def test_nothing_is_explained_that_does_not_exist():
    assert explained().keys() == {flag for flag, _, _ in table()}
