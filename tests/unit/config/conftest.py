"""What the tests of the configuration share: a text in, problems out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flatproxy.config.errors import ConfigErrors
from flatproxy.config.load import loads
from flatproxy.config.models import Config

UPSTREAMS = "upstreams: [{name: app, endpoints: [127.0.0.1:9001]}]\n"
LISTENERS = "listeners: [{name: web, listen: 127.0.0.1:80, routes: [{name: all, upstream: app}]}]\n"


def with_route(route: str) -> str:
    """A file whose line 4 holds one route."""
    return f"{UPSTREAMS}listeners:\n- {{name: web, listen: 127.0.0.1:80, routes: [\n{route}\n]}}\n"


def with_listener(keys: str) -> str:
    """A file whose line 4 holds more keys of a listener."""
    return f"{UPSTREAMS}listeners:\n- {{name: web, routes: [{{name: all, upstream: app}}],\n{keys}\n}}\n"


def with_upstream(keys: str) -> str:
    """A file whose line 3 holds more keys of an upstream."""
    return f"{LISTENERS}upstreams:\n- {{name: app, {keys}}}\n"


Load = Callable[[str], Config]
Problems = Callable[[str], list[str]]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Load a text as if it were a file in `tmp_path`."""
    return lambda text: loads(text, name="flatproxy.yaml", folder=tmp_path)


@pytest.fixture
def problems(load_text: Load) -> Problems:
    """Load a text that is wrong, and return the problems as `line:column: message`."""

    def run(text: str) -> list[str]:
        try:
            config = load_text(text)
        except ConfigErrors as errors:
            return [str(problem).removeprefix("flatproxy.yaml:") for problem in errors.problems]
        pytest.fail(f"the file is wrong, but was taken as {config!r}")

    return run
