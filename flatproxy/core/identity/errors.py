"""The one error of this folder: what is wrong, in a sentence an operator can act on."""


class IdentityError(Exception):
    """An identity cannot be made, read or trusted; the message says which file and why."""
