"""What `flatproxy filter new` writes: a package of one filter that passes its own test and its own type check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy.api.filter import checked_name

if TYPE_CHECKING:
    from pathlib import Path

PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{package}"
version = "0.1.0"
description = "A filter for FlatProxy"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["flatproxy"]

# How FlatProxy finds the filter.
[project.entry-points.flatproxy]
"{name}" = "{module}"

[tool.setuptools.packages.find]
where = ["src"]

[tool.setuptools.package-data]
{module} = ["py.typed"]

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["src"]
"""

INIT = '''\
"""The filter {name}."""

from flatproxy import Filter, hookimpl

from {module}.filter import {kind}


@hookimpl
def register_filters() -> list[type[Filter]]:
    """Tell FlatProxy what is in this package."""
    return [{kind}]
'''

FILTER = '''\
"""Refuses peers that are on a list."""

from flatproxy import Exchange, Filter, Options, Respond


class {kind}Options(Options):
    """What an operator may set."""

    peers: frozenset[str] = frozenset()
    """SPIFFE ids that are refused, such as spiffe://demo.mesh/shop/cart."""


class {kind}(Filter):
    """Answers 403 to every peer on the list."""

    name = "{name}"
    Options = {kind}Options
    options: {kind}Options

    def on_request(self, exchange: Exchange) -> Respond | None:
        """Look at who asks; None means: carry on."""
        if exchange.peer.identity in self.options.peers:
            return Respond(403, "peer is on the deny list")
        return None
'''

TEST = '''\
"""The filter on the real chain, without sockets."""

from flatproxy.api.testing import drive

from {module}.filter import {kind}

CART = "spiffe://demo.mesh/shop/cart"


def test_a_peer_on_the_list_is_refused():
    done = drive({kind}, options={{"peers": [CART]}}, peer=CART)
    assert done.response.status == 403


def test_another_peer_passes():
    done = drive({kind}, options={{"peers": [CART]}}, peer="spiffe://demo.mesh/shop/till")
    assert done.response.status == 200
'''

README = """\
# {name}

A filter for FlatProxy: refuses peers that are on a list.

```yaml
filters:
- use: {name}
  options: {{peers: ["spiffe://demo.mesh/shop/cart"]}}
```

`flatproxy filter test .` runs its tests, `pip install .` installs it beside FlatProxy, `flatproxy filter show {name}` prints what
it can be set to.
"""


class Taken(Exception):  # noqa: N818 -- a state, no fault of anybody
    """There is something already where the package would be."""


def write_package(name: str, parent: Path) -> Path:
    """Write the package of a filter; returns its folder. Raises `Taken`, and ValueError for what is no name."""
    checked_name(name)
    package = name.replace(".", "-").replace("_", "-")
    words = {
        "name": name,
        "package": package,
        "module": name.replace(".", "_"),
        "kind": "".join(word.capitalize() for word in name.rpartition(".")[2].split("_")),
    }
    folder = parent / package
    if folder.exists():
        raise Taken(f"{folder} is there already")
    source = folder / "src" / words["module"]
    files = {
        folder / "pyproject.toml": PYPROJECT,
        folder / "README.md": README,
        source / "__init__.py": INIT,
        source / "filter.py": FILTER,
        source / "py.typed": "",
        folder / "tests" / "test_filter.py": TEST,
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(**words))
    return folder
