"""What the contract says of an exchange is what the core has: no member more, none less."""

import pytest

from flatproxy.api import exchange as contract
from flatproxy.core import _native  # noqa: TID251 -- its classes, which nobody else needs by name

CLASSES = ("Exchange", "Peer", "Request", "Attempt", "Reply", "Response", "Failure", "Headers")
# What a mapping is made of; the others of these names are Python's own.
SPECIAL = {"__getitem__", "__setitem__", "__delitem__", "__contains__", "__iter__", "__len__"}


def members(kind):
    names = {name for base in kind.__mro__ for name in (*vars(base), *getattr(base, "__annotations__", ()))}
    return {name for name in names if not name.startswith("_")} | (names & SPECIAL)


@pytest.mark.parametrize("name", CLASSES)
def test_the_core_has_every_member_that_is_documented_and_no_other(name):
    documented, there = members(getattr(contract, name)), members(getattr(_native, name))
    assert documented - there == set(), f"the core should have these members of {name}"
    assert there - documented == set(), f"the contract should say what these members of {name} are"
