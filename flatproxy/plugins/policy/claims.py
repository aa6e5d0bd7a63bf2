"""One claim of a token against what a rule wants. A token that is asked here is good already."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flatproxy.plugins.policy import patterns

if TYPE_CHECKING:
    from flatproxy.plugins.policy.options import ValueMatch

ClaimCheck = Callable[[dict[str, Any]], bool]


def claim_check(name: str, match: ValueMatch) -> ClaimCheck:
    """Make the check of one claim."""
    if match.present is not None:
        return lambda claims: (name in claims) is match.present
    text = patterns.value(match)
    # By type too: for Python 1 is True.
    plain = {(type(wanted), wanted) for wanted in match.exact or () if not isinstance(wanted, str)}

    def fits(value: Any) -> bool:
        return (
            text(value)
            if isinstance(value, str)
            else isinstance(value, int) and (type(value), value) in plain
        )

    def check(claims: dict[str, Any]) -> bool:
        return any(map(fits, _values(name, claims.get(name))))

    return check


def _values(name: str, value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    # RFC 8693 section 4.2: `scope` is words with a space between them.
    if name == "scope" and isinstance(value, str):
        return value.split(" ")
    return [value]
