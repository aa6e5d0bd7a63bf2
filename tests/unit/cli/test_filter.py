"""`flatproxy filter`: what is shown of filters, and that a new package works at once."""

import json
import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, PositiveInt, SecretStr

from flatproxy import Options
from flatproxy.api.values import Count, Duration, Share
from flatproxy.cli.filter.scaffold import Taken, write_package
from flatproxy.core.filters.described import described_options
from tests.unit.cli.conftest import ROOT

OWN = '''\
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from flatproxy import Filter, Options
from flatproxy.api.values import Duration, Size


class Rule(Options):
    """One rule."""

    source: str
    """Whom it is about."""
    methods: tuple[str, ...] = ()


class OwnOptions(Options):
    share: Annotated[int, Field(ge=0, le=100)]
    """How many
    of a hundred."""
    mode: Literal["a", "b"] = "a"
    wait: Duration = timedelta(seconds=1)
    size: Size = 1024
    rules: tuple[Rule, ...] = ()
    first: Rule | None = None
    peers: frozenset[str] = frozenset()


class Own(Filter):
    """Does this.

    And that.
    """

    name = "acme.own"
    version = "1.2"
    shared = True
    Options = OwnOptions

    def on_done(self, exchange):
        pass
'''


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    return "./own.py"


def test_show_prints_all_that_an_operator_needs(flatproxy, own):
    ran = flatproxy("filter", "show", own, COLUMNS="200")
    assert (ran.code, ran.err) == (0, "")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[:6] == [
        "acme.own 1.2 (file ./own.py)", "", "Does this.", "", "And that.", "",
    ]  # fmt: skip
    assert "phases: on_done (shared)" in lines
    assert "share whole number >= 0 and <= 100 required How many of a hundred." in lines
    assert "mode a, b a" in lines


def test_options_are_described_with_their_parts(flatproxy, own):
    ran = flatproxy("filter", "show", own, "--json")
    options = {one["name"]: one for one in json.loads(ran.out)["options"]}
    assert list(options) == [
        "share", "mode", "wait", "size", "rules", "rules[].source", "rules[].methods", "first", "first.source",
        "first.methods", "peers",
    ]  # fmt: skip
    assert options["rules"]["type"] == "list of mapping"
    assert options["rules[].source"] == {
        "name": "rules[].source", "type": "text", "default": "required", "documentation": "Whom it is about.",
    }  # fmt: skip
    assert options["first"]["type"] == "mapping or nothing"
    assert options["peers"]["type"] == "list of text"
    assert options["wait"]["default"] == "1s"


def test_show_says_why_there_is_none(flatproxy, tmp_path):
    ran = flatproxy("filter", "show", "nothing_like_it")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: no filter named 'nothing_like_it'")
    assert "no such file" in flatproxy("filter", "show", "./gone.py").err


def test_list_is_one_row_each(flatproxy, tmp_path):
    (tmp_path / "acme_filters.py").write_text(
        OWN + "\nfrom flatproxy import hookimpl\n@hookimpl\ndef register_filters():\n    return [Own]\n"
    )
    info = tmp_path / "acme_filters-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-filters\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[flatproxy]\nacme = acme_filters\nbroken = acme_broken\n")
    ran = flatproxy("filter", "list", PYTHONPATH=f"{ROOT}:{tmp_path}", COLUMNS="200")
    rows = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert "acme.own 1.2 on_done package acme-filters 1.0" in rows
    assert "No module named 'acme_broken'" in ran.err, (
        "a package that cannot be loaded is told beside the list"
    )
    listed = json.loads(flatproxy("filter", "list", "--json", PYTHONPATH=f"{ROOT}:{tmp_path}").out)
    assert "acme.own" in [one["name"] for one in listed]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Part(Options):
    size: int = 1


class Kinds(Options):
    word: Colour = Colour.RED
    call: Callable[[], int] | None = None
    anything: Any = None
    named: dict[str, int] = Field(default_factory=lambda: {"a": 1})
    limit: PositiveInt | None = 3
    wait: Duration | None = None
    share: Share = 50
    file: Path = Path("a.txt")
    listed: list = Field(default_factory=list)
    number: float = 0.5
    flag: bool = False
    networks: tuple[IPv4Network | IPv6Network, ...] | None = None
    address: IPv4Address | None = None
    count: Count = 2
    part: Part = Part()
    secret: SecretStr | None = None


def test_every_kind_of_option_has_words():
    described = {one["name"]: (one["type"], one["default"]) for one in described_options(Kinds)}
    assert described == {
        "word": ("red, blue", "red"),
        "call": ("Callable or nothing", "-"),
        "anything": ("anything", "-"),
        "named": ("mapping of whole number", '{"a": 1}'),
        "limit": ("whole number > 0 or nothing", "3"),
        "wait": ("duration or nothing", "-"),
        "share": ("share", "50"),
        "file": ("file", "a.txt"),
        "listed": ("list", "-"),
        "number": ("number", "0.5"),
        "flag": ("true or false", "false"),
        "networks": ("list of network (such as 10.0.0.0/8) or nothing", "-"),
        "address": ("IP address or nothing", "-"),
        "count": ("whole number >= 1", "2"),
        "part": ("mapping", "-"),
        "part.size": ("whole number", "1"),
        "secret": ("text or nothing", "-"),
    }


# === new and test ===


def test_a_new_package_is_complete_and_clean(flatproxy, tmp_path):
    ran = flatproxy("filter", "new", "acme.deny_list")
    assert ran.code == 0
    assert "flatproxy filter test acme-deny-list" in ran.out
    folder = tmp_path / "acme-deny-list"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "README.md", "pyproject.toml", "src/acme_deny_list/__init__.py", "src/acme_deny_list/filter.py",
        "src/acme_deny_list/py.typed", "tests/test_filter.py",
    ]  # fmt: skip
    shown = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "src"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "MYPYPATH": str(ROOT)},
    )  # fmt: skip
    assert shown.returncode == 0, shown.stdout
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "110", "--check", "."],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert formatted.returncode == 0, formatted.stdout


def test_a_name_is_checked_before_anything_is_written(flatproxy, tmp_path):
    ran = flatproxy("filter", "new", "Acme-List")
    assert ran.code == 1
    assert "is no name for a filter" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    write_package("acme.own", tmp_path)
    with pytest.raises(Taken, match="is there already"):
        write_package("acme.own", tmp_path)


def test_tests_of_a_package_are_run(flatproxy, tmp_path):
    tests = tmp_path / "own" / "tests"
    tests.mkdir(parents=True)
    (tmp_path / "own" / "src").mkdir()
    (tmp_path / "own" / "src" / "acme_own.py").write_text("VALUE = 1\n")
    (tests / "test_own.py").write_text("import acme_own\ndef test_it():\n    assert acme_own.VALUE == 1\n")
    assert flatproxy("filter", "test", "own").code == 0, "its sources are found without installing it"
    (tests / "test_own.py").write_text("def test_it():\n    assert False\n")
    ran = flatproxy("filter", "test", "own")
    assert ran.code == 1
    assert "1 failed" in ran.out
    assert flatproxy("filter", "test", "nowhere").err == "error: there is no folder nowhere\n"


def test_a_new_package_passes_its_own_test(flatproxy):
    pytest.importorskip("flatproxy.api.testing")
    assert flatproxy("filter", "new", "acme.deny_list").code == 0
    ran = flatproxy("filter", "test", "acme-deny-list")
    assert ran.code == 0, ran.out
