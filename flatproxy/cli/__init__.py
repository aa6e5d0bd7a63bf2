"""The command line: one file per verb, put together in `main`.

A verb's file imports nothing heavy at its top, so that `flatproxy --help` answers at once.
"""

from flatproxy.cli.main import main

__all__ = ["main"]
