"""`flatproxy filter`: what is installed, what it can be set to, and how to begin one of one's own.

`show` prints, `scaffold` holds the texts that `new` writes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from flatproxy.cli.report import err, fail, out

LIST_EXAMPLE = "flatproxy filter list"
SHOW_EXAMPLE = "flatproxy filter show ./deny_list.py"
NEW_EXAMPLE = "flatproxy filter new acme.deny_list"
TEST_EXAMPLE = "flatproxy filter test acme-deny-list"

app = typer.Typer(
    help="Filters: list and show what is installed, begin and test one of your own.", no_args_is_help=True
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="An installed filter, or a file: ./deny_list.py.")
]
NewNameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Yours or your company's name, a dot, and what it does: acme.deny_list."
    ),
]
ParentOption = Annotated[
    Path,
    typer.Option(
        "--in", metavar="FOLDER", help="Where the folder of the package is made.", show_default=False
    ),
]
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a filter package.")]


@app.command("list", epilog=f"Example: {LIST_EXAMPLE}")
def list_(as_json: JsonOption = False) -> None:
    """Print every installed filter: name, version, phases, and where it came from."""
    from flatproxy.cli.filter.show import print_list
    from flatproxy.core.registry import Registry

    registry = Registry.discover()
    print_list(registry.all(), as_json=as_json)
    for reason in registry.broken.values():
        err().print(reason, style="yellow")


@app.command(epilog=f"Example: {SHOW_EXAMPLE}")
def show(name: NameArgument, as_json: JsonOption = False) -> None:
    """Print one filter: what it does, its phases, and its options with types and defaults."""
    from flatproxy.cli.filter.show import print_filter
    from flatproxy.core.filters.files import FilterFiles, is_file
    from flatproxy.core.filters.found import FilterError
    from flatproxy.core.registry import Registry

    try:
        found = FilterFiles(Path.cwd()).find(name) if is_file(name) else Registry.discover().find(name)
    except FilterError as error:
        fail(str(error))
    print_filter(found, as_json=as_json)


@app.command(epilog=f"Example: {NEW_EXAMPLE}")
def new(name: NewNameArgument, parent: ParentOption = Path()) -> None:
    """Write the package of a new filter: the filter, a test that passes, and what makes it installable."""
    from flatproxy.cli.filter.scaffold import Taken, write_package

    try:
        folder = write_package(name, parent)
    except (Taken, ValueError, OSError) as error:
        fail(str(error))
    out().print(
        f"{folder} holds the filter {name}. Next:\n"
        f"  flatproxy filter test {folder}\n"
        f"  pip install -e {folder}    (then a route may say `use: {name}`)"
    )


@app.command("test", epilog=f"Example: {TEST_EXAMPLE}")
def test_(folder: FolderArgument = Path()) -> None:
    """Run the tests of a filter package with pytest."""
    from importlib.util import find_spec

    if not folder.is_dir():
        fail(f"there is no folder {folder}")
    if find_spec("pytest") is None:
        fail("pytest is not installed here: pip install pytest")
    # The package itself need not be installed: its sources are in `src`, or beside the tests.
    places = [str(folder.absolute() / "src"), str(folder.absolute()), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(place for place in places if place)}
    done = subprocess.run([sys.executable, "-m", "pytest"], cwd=folder, env=environment, check=False)
    raise typer.Exit(min(done.returncode, 1))
