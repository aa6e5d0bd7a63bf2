"""What the tests of a whole FlatProxy share: deployments, services, a trust domain, a neighbour that must not suffer."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stand.certificates import Mesh
from tests.e2e.stand.deployment import Deployment
from tests.e2e.stand.service import Behaviour, Service, answer


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """Starts a FlatProxy with that configuration and waits until it serves; ended with the test."""
    with ExitStack() as running:

        def begin(**config: Any) -> Deployment:
            return running.enter_context(Deployment(tmp_path, **config)).ready()

        yield begin


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    """Starts a service of that behaviour; ended with the test."""
    with ExitStack() as running:

        def begin(behaviour: Behaviour = answer, **options: Any) -> Service:
            return running.enter_context(Service(behaviour, **options))

        yield begin


@pytest.fixture
def service(serve: Callable[..., Service]) -> Service:
    """Answers every request with 200."""
    return serve()


@pytest.fixture
def mesh(tmp_path: Path) -> Mesh:
    """A trust domain, and the files by which a FlatProxy belongs to it."""
    return Mesh.found(tmp_path)
