"""Fixtures of the tests that run a whole FlatProxy."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.core.running import Running


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts `flatproxy run` with a configuration; ended with the test, whatever happens."""
    started: list[Running] = []

    def begin(**config: Any) -> Running:
        running = Running(tmp_path, **config)
        started.append(running)
        return running

    yield begin
    for running in started:
        running.program.__exit__(None, None, None)
