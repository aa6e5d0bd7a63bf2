"""The command line as a whole: help that helps, exit codes, and a quick start."""

import json
import subprocess
import sys

import jsonschema
import pytest

from flatproxy.cli.main import app
from tests.unit.cli.conftest import ROOT

VERBS = ("run", "check", "demo", "explain", "reload", "filter", "ca", "schema", "version")
HEAVY = ("pydantic", "ruamel", "cryptography", "msgpack", "fastapi", "hypercorn", "flatproxy.core._native")


def test_help_names_every_verb(flatproxy):
    ran = flatproxy("--help")
    assert ran.code == 0
    missing = [verb for verb in VERBS if f" {verb} " not in ran.out]
    assert not missing, f"--help should name {missing}"


def all_commands():
    for command in app.registered_commands:
        yield command.callback.__name__, command
    for group in app.registered_groups:
        for command in group.typer_instance.registered_commands:
            yield f"{group.name} {command.name or command.callback.__name__}", command


@pytest.mark.parametrize(
    ("name", "command"), list(all_commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_help_text_has_an_example(flatproxy, name, command):
    ran = flatproxy(*name.split(), "--help")
    assert ran.code == 0
    assert f"flatproxy {name}" in ran.out.split("Example")[-1], (
        f"`flatproxy {name} --help` should show an example"
    )


def test_no_verb_shows_the_help_and_is_wrong_usage(flatproxy):
    assert flatproxy().code == 2


def test_a_misspelt_verb_is_wrong_usage(flatproxy):
    ran = flatproxy("chek")
    assert (ran.code, ran.out) == (2, "")
    assert "check" in ran.err, "the verb that was meant is named"


def test_help_loads_nothing_heavy():
    code = f"import sys, flatproxy.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n", "what a verb needs is imported when it runs, so that --help answers at once"


def test_the_schema_is_one(flatproxy):
    ran = flatproxy("schema")
    jsonschema.Draft7Validator.check_schema(json.loads(ran.out))


def test_versions_are_on_one_line(flatproxy):
    ran = flatproxy("version")
    assert ran.code == 0
    assert ran.out.count("\n") == 1
    assert "native core" in ran.out
    assert "Python 3." in ran.out
