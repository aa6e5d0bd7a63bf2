"""What an author has to be told. A verdict that makes no sense is a plain ValueError or TypeError, as in any class."""

from __future__ import annotations


class ContractError(TypeError):
    """A class that is no filter as it stands; the message lists everything that is wrong, and what would be right."""
