"""`flatproxy version`: what exactly is installed here?"""

from __future__ import annotations

import platform

EXAMPLE = "flatproxy version"


def version() -> None:
    """Print the versions of FlatProxy, of its native core, and of Python."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        own = installed("flatproxy")
    except PackageNotFoundError:
        own = "(not installed)"
    try:
        from flatproxy.core.native import __version__ as core
    except ImportError:
        core = "(not built)"
    print(f"flatproxy {own}, native core {core}, Python {platform.python_version()}")
