"""The golden exchanges over real sockets: what `drive` promises an author is what a FlatProxy in service does."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from sdk.conformance.compare import differences
from sdk.conformance.runner import files, load
from tests.e2e.stand.deployment import Deployment, until
from tests.e2e.stand.golden import Upstreams, announce, ask, configuration, is_playable, on_the_wire, sent

ROOT = Path(__file__).parents[2]
GOLDEN = [(path.stem, golden) for path in files() for golden in load(path).exchanges if is_playable(golden)]
EXCHANGES = [golden for _, golden in GOLDEN]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """How each exchange went: all are asked in turn, and the access log, which is written a little later, is read once."""
    folder = tmp_path_factory.mktemp("golden")
    announce(folder)
    with pytest.MonkeyPatch.context() as patch, Upstreams(EXCHANGES) as upstreams:
        patch.setenv(
            "PYTHONPATH", os.pathsep.join([str(ROOT), str(folder), os.environ.get("PYTHONPATH", "")])
        )
        with Deployment(folder, **configuration(EXCHANGES, upstreams.ports)) as proxy:
            proxy.ready()
            came = [ask(proxy.address(f"golden-{number}"), golden) for number, golden in enumerate(EXCHANGES)]
            until(lambda: len(proxy.exchanges()) >= len(came), "each exchange should be in the access log")
            flags = {line["listener"]: line["flag"] or "" for line in proxy.exchanges()}
        return [
            replace(
                one, flag=flags[f"golden-{number}"], attempts=tuple(map(sent, upstreams.requests[number]))
            )
            for number, one in enumerate(came)
        ]


@pytest.mark.parametrize(
    "number", range(len(GOLDEN)), ids=[f"{stem}: {golden.name}" for stem, golden in GOLDEN]
)
def test_it_goes_on_the_wire_as_it_does_in_a_test(played, number):
    faults = differences(on_the_wire(EXCHANGES[number]), played[number])
    assert not faults, "\n".join(faults)
