"""Whatever stands in a file, the answer is a configuration or a list of problems in plain words."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from flatproxy.config.errors import ConfigErrors, Problem
from flatproxy.config.load import loads
from tests.unit.conftest import MAXIMAL

# Words of the library that checks the model: an operator should never meet one.
JARGON = (
    "Input should",
    "Value error",
    "validation error",
    "pydantic",
    "not valid here",
    "NoneType",
    "tuple",
    "dict",
)

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.sampled_from(["5s", "64KiB", "127.0.0.1:80", "app", "/v1", "GET", "off", "mutual", "*.demo", "spiffe://a.b/c"]),
)  # fmt: skip
keys = st.text(max_size=8) | st.sampled_from(
    ["name", "listen", "match", "host", "path", "tls", "mode", "prefix"]
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


def judge(text: str) -> None:
    reasons = refusal(text)
    assert reasons != (), "a refusal must give its reasons"
    for problem in reasons or ():
        found = [word for word in JARGON if word in problem.message]
        assert not found, f"an operator should not have to read {found} in: {problem}"


def refusal(text: str) -> tuple[Problem, ...] | None:
    try:
        loads(text, "f", Path("/nowhere"))
    except ConfigErrors as errors:
        return errors.problems
    return None


@given(st.text())
@example("a: [")
@example("&a [*a]")
@example("? ")
@example("- &a\n- *a")
@example("!!binary x")
def test_any_text_is_judged(text):
    judge(text)


@given(st.binary(max_size=200))
def test_any_bytes_that_are_text_are_judged(data):
    judge(data.decode("latin-1"))


@pytest.fixture(scope="module")
def whole():
    return YAML(typ="safe", pure=True).load(MAXIMAL)


def paths_in(value, path=()):
    yield path
    for step, child in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from paths_in(child, (*path, step))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_any_place_is_judged(whole, data):
    """One part of a good file becomes something else: every model, union and check meets what it does not expect."""
    path = data.draw(st.sampled_from(sorted(paths_in(whole), key=str)))
    judge(flow(replaced(whole, path, data.draw(values))))


def flow(value) -> str:
    """Write a value in flow style, as JSON with YAML's numbers."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"? {flow(str(key))} : {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(str(value), str(value))
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
    return str(value)
