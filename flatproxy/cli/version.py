"""`flatproxy version`: what exactly is installed here?"""

from __future__ import annotations

import platform

EXAMPLE = "flatproxy version"


def version() -> None:
    """Print the versions of FlatProxy and of Python."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        own = installed("flatproxy")
    except PackageNotFoundError:
        own = "(not installed)"
    print(f"flatproxy {own} (Python {platform.python_version()})")
