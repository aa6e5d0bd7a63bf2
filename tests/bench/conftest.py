"""Rows and certificates for the tests of the benchmark."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.certificates import Certificates, make
from bench.results import Row

A_ROW = Row(
    workload="h1",
    cell="c64",
    peer="flatproxy",
    round=1,
    workers=1,
    log=True,
    seconds=5.0,
    completed=100_000,
    offered=0,
    errors=0,
    bytes=6_100_000,
    resumed=0,
    p50_us=100.0,
    p99_us=300.0,
    p999_us=900.0,
    cpu_seconds=2.0,
    busy_seconds=4.0,
    stolen_seconds=0.0,
    resident=1_000_000,
    held=0,
    held_resident=0,
    logged=1.0,
)


@pytest.fixture
def row() -> Callable[..., Row]:
    """A row with some fields of the test's choice."""
    return lambda **fields: replace(A_ROW, **fields)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))
