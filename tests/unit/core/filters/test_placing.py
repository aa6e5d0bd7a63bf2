"""Filters of a configuration: each at its place with its options, or every problem at its line and column."""

from textwrap import dedent, indent

import pytest
from pydantic import Field, PositiveInt, field_validator

from flatproxy import Filter, Options
from flatproxy.config import load
from flatproxy.core.filters.files import FilterFiles
from flatproxy.core.filters.placing import Placement
from flatproxy.core.registry import Registry


class Rule(Options):
    source: str
    methods: tuple[str, ...] = ()
    identity: str = Field(default="", alias="from")


class RateOptions(Options):
    per_second: PositiveInt
    burst: int = 1
    rules: tuple[Rule, ...] = ()
    key: str = "peer"

    @field_validator("key")
    @classmethod
    def known(cls, value: str) -> str:
        if value not in ("peer", "path"):
            raise ValueError("a key is peer or path")
        return value


class Rate(Filter):
    name = "rate"
    Options = RateOptions


class Pool(Filter):
    name = "pool"
    shared = True
    Options = RateOptions


class Plain(Filter):
    name = "plain"


class Fragile(Filter):
    name = "fragile"

    def __init__(self, options):
        raise RuntimeError("no")


HEAD = """\
listeners:
- name: web
  listen: 127.0.0.1:80
  routes:
"""


@pytest.fixture
def place(tmp_path):
    """Place the filters of routes, each written as a list of filters."""

    def run(*routes: str) -> Placement:
        text = HEAD
        for number, filters in enumerate(routes):
            text += (
                f"  - name: r{number}\n    match: {{path: {{exact: /{number}}}}}\n    redirect: {{path: /}}\n"
            )
            text += "    filters:\n" + indent(dedent(filters).strip(), "    ") + "\n"
        path = tmp_path / "flatproxy.yaml"
        path.write_text(text)
        return Placement(load(path), Registry.of([Rate, Pool, Plain, Fragile]), FilterFiles(tmp_path))

    return run


def problems(placement):
    return [
        f"{problem.place.line}:{problem.place.column}: {problem.message}"
        for problem in sorted(placement.problems)
    ]


def test_each_use_has_an_instance_and_options_of_its_own(place):
    placement = place(
        "- {use: rate, options: {per_second: 1}}\n- use: plain", "- {use: rate, options: {per_second: 2}}"
    )
    assert problems(placement) == []
    assert [(one.key, one.scope) for one in placement.placed] == [
        ("web:r0:0", ("web", "r0")),
        ("web:r0:1", ("web", "r0")),
        ("web:r1:0", ("web", "r1")),
    ]
    first, _, second = (one.filter for one in placement.placed)
    assert (first.options.per_second, second.options.per_second) == (1, 2)
    assert len(placement.chains[0, 0]) == 2


def test_a_shared_filter_has_one_instance_for_equal_options(place):
    placement = place(*(f"- {{use: pool, options: {{per_second: {count}}}}}" for count in (1, 2, 1)))
    first, second, third = placement.placed
    assert first.filter is third.filter
    assert first.filter is not second.filter
    assert [one.key for one in placement.placed] == ["::pool:0", "::pool:1", "::pool:0"]
    assert first.scope is None


def test_an_option_is_told_by_the_name_that_the_file_has(place):
    placement = place("- {use: rate, options: {per_second: 1, rules: [{source: a, form: b, identity: c}]}}")
    assert [problem.message for problem in sorted(placement.problems)] == [
        "unknown key 'form'; did you mean 'from'?",
        "unknown key 'identity'; known here: from, methods, source",
    ]


def test_every_wrong_option_is_told_at_its_own_place(place):
    placement = place("""
        - use: rate
          options:
            per_second: 0
            burts: 3
            key: header
            rules:
            - {sauce: a}
            - {source: [a], methods: GET}
    """)
    assert problems(placement) == [
        "11:21: `per_second` must be more than 0",
        "12:9: unknown key 'burts'; did you mean 'burst'?",
        "13:14: `key` is not valid: a key is peer or path",
        "15:11: `source` is missing in an item of `rules`",
        "15:12: unknown key 'sauce'; did you mean 'source'?",
        "16:20: `source` must be text, not a list",
        "16:34: `methods` must be a list, not the text 'GET'",
    ]


def test_a_missing_option_is_told_at_the_filter(place):
    assert problems(place("- use: rate")) == ["9:7: `per_second` is missing in `options`"]
    assert problems(place("- {use: rate, options: {burst: 1}}")) == [
        "9:28: `per_second` is missing in `options`"
    ]


def test_a_filter_without_options_takes_none(place):
    assert problems(place("- {use: plain, options: {a: 1}}")) == ["9:30: unknown key 'a'"]


def test_a_filter_that_is_not_there_is_told_once_per_use(place):
    assert problems(place("- use: rat", "- use: rat")) == [
        "9:12: no filter named 'rat'; did you mean 'rate'?",
        "14:12: no filter named 'rat'; did you mean 'rate'?",
    ]


def test_what_comes_later_is_refused_clearly(place):
    placement = place(
        "- use: ./waf.wasm\n- use: oci://registry.demo/waf:1\n"
        "- {use: plain, impl: wasm}\n- {use: plain, impl: python, limits: {cpu: 5ms}}"
    )
    assert problems(placement) == [
        "9:12: './waf.wasm': WebAssembly filters are not supported by this version",
        "10:12: 'oci://registry.demo/waf:1': filters from a catalog are not supported by this version",
        "11:26: `impl: wasm`: WebAssembly filters are not supported by this version",
        "12:34: `limits` are for WebAssembly filters, which this version does not run; `timeout` bounds a phase",
    ]


def test_a_constructor_that_fails_is_told_with_its_trace(place):
    (problem,) = problems(place("- use: fragile"))
    lines = problem.splitlines()
    assert lines[0] == "9:12: fragile cannot be made: RuntimeError: no"
    assert lines[-1].strip() == 'raise RuntimeError("no")'


def test_files_are_relative_to_the_configuration_and_loaded_once(place, tmp_path):
    (tmp_path / "own.py").write_text("from flatproxy import Filter\nclass Own(Filter):\n    name = 'own'\n")
    first, second = place("- use: ./own.py", "- use: own.py").placed
    assert type(first.filter) is type(second.filter)
    assert first.filter is not second.filter


def test_one_name_is_one_filter(place, tmp_path):
    (tmp_path / "own.py").write_text("from flatproxy import Filter\nclass Own(Filter):\n    name = 'plain'\n")
    (problem,) = problems(place("- use: plain\n- use: ./own.py"))
    assert problem.startswith("10:12: two filters of this configuration are named 'plain': one from module ")
    assert problem.endswith("one from file ./own.py")


def test_options_may_name_files_beside_the_configuration(place, tmp_path):
    (tmp_path / "own.py").write_text(
        "from flatproxy import Filter, Options\n"
        "from pydantic import ValidationInfo, field_validator\n"
        "class Own(Filter):\n    name = 'own'\n"
        "    class Options(Options):\n        keys: str\n"
        "        @field_validator('keys')\n        @classmethod\n"
        "        def beside(cls, value: str, info: ValidationInfo) -> str:\n"
        "            return str(info.context['folder'] / value)\n"
    )
    (placed,) = place("- {use: ./own.py, options: {keys: jwks.json}}").placed
    assert placed.filter.options.keys == str(tmp_path / "jwks.json")
