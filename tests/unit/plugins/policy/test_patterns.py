"""Patterns: what a star takes, and that no value makes one slow."""

import time

import pytest

from flatproxy.plugins.policy.options import PathMatch, ValueMatch
from flatproxy.plugins.policy.patterns import glob, globs, path, value


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("/a", ["/a"], ["/a/", "/A", "/ab", ""]),
        ("/a/*", ["/a/b", "/a/"], ["/a", "/a/b/c", "/b/a"]),
        ("/a/**", ["/a/", "/a/b/c"], ["/a", "/ab"]),
        ("**", ["", "/a/b"], []),
        ("/*/x", ["/a/x", "//x"], ["/a/b/x", "/x", "/a/xx"]),
        ("/a*b*c", ["/abc", "/abbcc", "/a.b.b.c"], ["/ab", "/ab/c"]),
        ("/*a/*b/**", ["/a/b/", "/xaa/bb/c/d", "/a/bxb/"], ["/a/bx/", "/a/c/b/"]),
        ("/v1.0/*", ["/v1.0/x"], ["/v1x0/x"]),
        ("/a/*/**", ["/a/b/", "/a/b/c\nd"], ["/a/b"]),
    ],
)
def test_a_star_stays_within_its_segment_and_two_at_the_end_do_not(pattern, taken, left):
    matches = glob(pattern)
    assert [text for text in taken if not matches(text)] == []
    assert [text for text in left if matches(text)] == []


def test_no_value_makes_a_pattern_slow():
    matches = glob("/" + "*a" * 30 + "*b")
    began = time.perf_counter()
    assert not matches("/" + "a" * 60_000)
    assert time.perf_counter() - began < 0.5, "60,000 characters should take milliseconds, not for ever"


def test_many_exact_names_are_one_look_up():
    assert globs(["spiffe://a/b", "spiffe://a/c"]).__self__ == {"spiffe://a/b", "spiffe://a/c"}
    both = globs(["spiffe://a/b", "spiffe://*/c"])
    assert (both("spiffe://a/b"), both("spiffe://z/c"), both("spiffe://z/b")) == (True, True, False)


def test_a_prefix_ends_where_a_segment_ends():
    matches = path(PathMatch(prefix="/v1/"))
    assert [matches(text) for text in ("/v1", "/v1/", "/v1/x", "/v10")] == [True, True, True, False]
    assert path(PathMatch(prefix="/"))("/x")
    assert path(PathMatch(exact="/a*"))("/a*")


def test_values_match_whole_at_their_start_or_at_their_end():
    assert value(ValueMatch(exact=("a", "b")))("b")
    assert value(ValueMatch(prefix="eu-"))("eu-1")
    assert value(ValueMatch(suffix=".demo"))("shop.demo")
    assert not value(ValueMatch(exact=("a",)))("ab")
