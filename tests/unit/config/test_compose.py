"""YAML with places: what is read, and what is refused before anyone looks at its meaning."""

import pytest

from flatproxy.config import compose as module
from flatproxy.config.compose import compose
from flatproxy.config.errors import ConfigErrors
from flatproxy.config.nodes import place_of, place_of_key


@pytest.fixture(params=["fast", "exact"], autouse=True)
def parser(request, monkeypatch):
    """Every test runs with libyaml in front, and without it."""
    if request.param == "exact":
        monkeypatch.setattr(module, "_fast_parser", module._exact_parser)


def read(text):
    root, problems = compose(text, "f")
    assert problems == [], "nothing should be wrong with this text"
    return root.data()


def refused(text):
    try:
        _, problems = compose(text, "f")
    except ConfigErrors as errors:
        problems = errors.problems
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-1", -1), ("0x1f", 31), ("0o17", 15), ("017", 17), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5),
        (".inf", float("inf")), ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("yes", "yes"), ("off", "off"), ("on", "on"), ("1_000", "1_000"), ("12:30", "12:30"), ("5s", "5s"), ("+", "+"),
        ("127.0.0.1:80", "127.0.0.1:80"), ("'1'", "1"), ('"\\x41"', "A"), ("9" * 41, "9" * 41),
    ],
)  # fmt: skip
def test_scalars_are_read_as_yaml_1_2_says(text, value):
    assert read(f"a: {text}") == {"a": value}


def test_addresses_need_no_quotes_in_flow_style():
    assert read("{a: [127.0.0.1:80, b:1], c: {d: 127.0.0.1:80}}") == {
        "a": ["127.0.0.1:80", "b:1"],
        "c": {"d": "127.0.0.1:80"},
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: [x:y, http://b/c, d::e]",
        "{a: b:c, 'd':e, \"f\":g}",
        "a: 'x:y'\nb: \"x:y\"\nc: |\n  x:y: z\nd: x:y # x:y\n",
        "a: &b:c [d]\ne: *b:c\n",
        "a:b: c:d",
        "{a:, b: c}",
    ],
)
def test_both_parsers_read_colons_alike(text, monkeypatch):
    def result():
        try:
            root, problems = compose(text, "f")
        except ConfigErrors as errors:
            return str(errors)
        return root.data(), place_of(root, ("a",)), problems

    found = result()
    monkeypatch.setattr(module, "_fast_parser", module._exact_parser)
    assert found == result(), "the fast parser must not read anything else than YAML 1.2 does"


def test_every_value_and_key_has_its_place():
    root, _ = compose("a:\n  - b: 1\n    c: [x, y]\n", "f")
    assert place_of(root, ("a", 0, "c", 1)) == (3, 12), "the second item of c"
    assert place_of_key(root, ("a", 0, "c")) == (3, 5), "the key c"
    assert place_of(root, ("a", 0, "c", 1, "not", "there")) == (3, 12), "the nearest part that is there"
    assert place_of_key(root, ("a", 0, "gone")) == (2, 5), (
        "a key that is not there is reported at its mapping"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\t- b", "f:2:1: a tab is used to indent; YAML wants spaces"),
        ("a: [1\nb: 2", "f:1:4: not valid YAML: this list is not closed by ']', or lacks a ','"),
        ("a: {b: 1\nc: 2", "f:1:4: not valid YAML: this mapping is not closed by '}', or lacks a ','"),
        ("a: 'x", "f:1:4: not valid YAML: this quote is not closed"),
        (
            "a: b: c",
            "f:1:5: not valid YAML: a ':' where no key can stand: quote the text, or check the indentation",
        ),
        ("a:\n   b: 1\n  c: 2", "f:3:3: not valid YAML: the indentation does not fit the lines above"),
        ("a:\n - b\nc\n", "f:3:1: not valid YAML: a ':' is missing behind this key"),
        ("a: @x", "f:1:4: not valid YAML: a value cannot start with this character: quote it"),
        ("a: \x00", "f:1:4: the control character U+0000 is not allowed here"),
        ("a: x\u2028y", "f:1:5: the control character U+2028 is not allowed here"),
        (
            "%YAML 1.1\n---\na: 1",
            "f:1:1: directives (%YAML, %TAG) are not used in a configuration; remove it",
        ),
        ("a: *b", "f:1:4: *b stands for nothing: no &b ends before it"),
        ("a: &b [*b]", "f:1:8: *b stands for nothing: no &b ends before it"),
        ("a: 1\n---\nb: 2\n", "f:2:1: a second document starts here; one file holds one document"),
        ("a: !!int 5", "f:1:4: tags (tag:yaml.org,2002:int) are not used in a configuration; remove it"),
        ("a: !x 5", "f:1:4: tags (!x) are not used in a configuration; remove it"),
        ("? [a]\n: b", "f:1:3: a key must be plain text"),
        ("<<: {a: 1}", "f:1:1: merge keys (<<) are not part of YAML 1.2; give the whole value an alias"),
        ("a: 1\nb: 2\na: 3", "f:3:1: 'a' is written twice; the first is in line 1"),
        ("[" * 100, "f:1:66: nested deeper than 64 levels"),
    ],
)
def test_what_a_configuration_must_not_hold_is_refused(text, expected):
    assert refused(text) == [expected]


def test_aliases_that_multiply_are_stopped():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert refused("\n".join(lines)) == ["f:7:5: more than 2,000,000 values once aliases are followed"]


def test_half_a_character_is_refused():
    assert len(refused('a: "\\ud800"')) == 1, "a lone surrogate could be neither stored nor sent"
