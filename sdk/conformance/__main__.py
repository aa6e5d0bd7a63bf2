"""`python -m sdk.conformance [FILE...] [--kind KIND]`: run golden exchanges; exit code 1 when one goes wrong, 2 for wrong usage."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from sdk.conformance.runner import KINDS, FormatError, Result, files, kind, run_all, schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> int:
    """Run what the command line names; print a line per exchange."""
    chosen = _arguments()
    if chosen.schema:
        sys.stdout.write(schema_text())
        return 0
    try:
        with _unsaid():
            results = run_all(kind(chosen.kind), chosen.file or files())
    except (FormatError, OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    _report(results)
    return int(any(result.faults for result in results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sdk.conformance", description="Run golden exchanges.")
    parser.add_argument(
        "file",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="files of exchanges; left out: all that every kind must pass",
    )
    parser.add_argument(
        "--kind",
        default="python",
        metavar="KIND",
        help=f"{', '.join(KINDS)}, or module:attribute of your own (default: python)",
    )
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of a file instead")
    return parser.parse_args()


@contextlib.contextmanager
def _unsaid() -> Iterator[None]:
    """Keep the proxy's log away: filters that are meant to fail fill it with traces."""
    log = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(log, 2)
        os.close(log)


def _report(results: list[Result]) -> None:
    before = None
    for result in results:
        if result.file != before:
            sys.stdout.write(f"{result.file.name}\n")
            before = result.file
        sys.stdout.write(f"  {'FAIL' if result.faults else 'ok  '}  {result.golden.name}\n")
        for fault in result.faults:
            sys.stdout.write(f"          {fault}\n")
    counted = Counter(bool(result.faults) for result in results)
    sys.stdout.write(f"{counted[False]} passed, {counted[True]} failed\n")


if __name__ == "__main__":
    sys.exit(main())
