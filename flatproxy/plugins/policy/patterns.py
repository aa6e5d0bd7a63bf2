"""Options -> plain functions of one value, made once: equality where it does, a regular expression only for what needs it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flatproxy.plugins.policy.options import PathMatch, ValueMatch

Matches = Callable[[str], bool]


def any_of(matchers: Sequence[Matches]) -> Matches:
    """Match what one of them matches."""
    if len(matchers) == 1:
        return matchers[0]
    several = tuple(matchers)

    def matches(value: str) -> bool:
        for one in several:  # noqa: SIM110 -- half the time of any() with a generator
            if one(value):
                return True
        return False

    return matches


def globs(patterns: Sequence[str]) -> Matches:
    """Match what one of the patterns does; those without a star are one look into a set."""
    exact = frozenset(pattern for pattern in patterns if "*" not in pattern)
    others = [glob(pattern) for pattern in patterns if "*" in pattern]
    return any_of([*([exact.__contains__] if exact else []), *others])


def glob(pattern: str) -> Matches:
    """Match a pattern: `*` stands for anything but `/`; `**`, at its end, for anything."""
    if "*" not in pattern:
        return pattern.__eq__
    head = pattern.removesuffix("**")
    if head != pattern and "*" not in head:
        return lambda value: value.startswith(head)
    expression = _expression(pattern)
    return lambda value: expression.fullmatch(value) is not None


def path(match: PathMatch) -> Matches:
    """Match what an item of `paths` does."""
    if match.glob is not None:
        return glob(match.glob)
    if match.exact is not None:
        return match.exact.__eq__
    assert match.prefix is not None
    whole = match.prefix.rstrip("/")
    below = whole + "/"
    return lambda value: value == whole or value.startswith(below)


def _expression(pattern: str) -> re.Pattern[str]:
    """Make an expression that takes linear time on any value.

    A star takes as little as leads to the text behind it and then stays with that (an atomic group): since `**` stands at
    the end only, the first place where that text fits leaves the most for what follows. Only the last star tries several.
    """
    head = pattern.removesuffix("**")
    first, *pieces = (re.escape(piece) for piece in head.split("*"))
    if head != pattern:
        return re.compile(first + "".join(f"(?>[^/]*?{piece})" for piece in pieces) + ".*", re.DOTALL)
    *early, last = pieces
    return re.compile(first + "".join(f"(?>[^/]*?{piece})" for piece in early) + f"[^/]*{last}", re.DOTALL)


def value(match: ValueMatch) -> Matches:
    """Match a text as an item of `headers` or `claims` does; `present` is for the caller."""
    if match.exact is not None:
        return frozenset(wanted for wanted in match.exact if isinstance(wanted, str)).__contains__
    if match.prefix is not None:
        prefix = match.prefix
        return lambda text: text.startswith(prefix)
    assert match.suffix is not None
    suffix = match.suffix
    return lambda text: text.endswith(suffix)
