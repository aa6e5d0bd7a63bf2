"""The golden exchanges of sdk/conformance: each kind of filter passes all of them, and their files are what they say."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from sdk.conformance.compare import differences
from sdk.conformance.golden import Golden
from sdk.conformance.kind import Played, Sent
from sdk.conformance.python import KIND
from sdk.conformance.runner import SCHEMA, FormatError, files, kind, load, run, run_all, schema_text

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "sdk/conformance/README.md").read_text()
GOLDEN = [(path.stem, golden) for path in files() for golden in load(path).exchanges]


@pytest.mark.parametrize(
    "golden", [golden for _, golden in GOLDEN], ids=[f"{stem}: {golden.name}" for stem, golden in GOLDEN]
)
def test_filters_in_python_pass(golden):
    faults = run(KIND, golden)
    assert not faults, "\n".join(faults)


# === the files ===


def test_the_schema_for_editors_is_the_format():
    expected = "`python -m sdk.conformance --schema > sdk/conformance/exchanges.schema.json` writes it anew"
    assert SCHEMA.read_text() == schema_text(), expected


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_every_file_keeps_to_the_schema(path):
    document = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    jsonschema.validate(json.loads(json.dumps(document)), json.loads(SCHEMA.read_text()))


def test_the_example_of_the_page_is_one_and_passes(tmp_path):
    path = tmp_path / "example.yaml"
    path.write_text(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert [result.faults for result in run_all(KIND, [path])] == [()]


def test_every_filter_is_on_the_page_and_in_an_exchange():
    described = {
        name
        for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    used = {use.use for _, golden in GOLDEN for use in golden.filters}
    assert described == set(KIND.filters), "the README says what each filter does"
    assert used == set(KIND.filters), "each filter is there for an exchange"


def test_every_phase_fails_in_some_exchange():
    failing = {
        use.options.get("in") for _, golden in GOLDEN for use in golden.filters if use.use == "failing"
    }
    assert {f"on_{name}" for name in ("connect", "request", "request_body", "attempt", "failure")} <= failing
    assert {"on_response", "on_response_body", "on_done"} <= failing


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("about: x\nexchanges: []", "at least 1 item"),
        ("about: x\nexchanges: [{name: a, filters: [], expect: {flags: X}}]", "Extra inputs"),
        (
            "about: x\nexchanges: [{name: a, filters: [], expect: {}}, {name: a, filters: [], expect: {}}]",
            "two exchanges are called a",
        ),
        ("about: [", "while parsing"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, said):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(FormatError, match=said):
        load(tmp_path / "bad.yaml")


# === the verdict ===


def test_every_difference_is_said():
    golden = Golden.model_validate({
        "name": "x", "filters": [],
        "expect": {
            "attempts": [{"path": "/a", "query": None, "body": "a", "headers": {"x-a": ["1", "2"], "x-b": None}}],
            "response": {"status": 201, "lines": [["x-a", "1"]], "trailers": [["x-t", "1"]]},
            "flag": "DENY", "closed": True, "waited": 1, "log": ["info a"], "counters": {"count": {"a_total": 2}},
        },
    })  # fmt: skip
    sent = Sent("GET", "h", "/b", "", (("X-A", b"1"), ("x-b", b"")), b"b")
    played = Played(200, (("X-A", b"1"),), b"", (sent,), log=("info b",))
    assert differences(golden, played) == [
        "flag: expected 'DENY', got ''",
        "closed: expected True, got False",
        "seconds waited: expected 1.0, got 0.0",
        "log: expected ['info a'], got ['info b']",
        "counter a_total of count: expected 2.0, got None",
        "response: status: expected 201, got 200",
        "response: lines: expected [('x-a', b'1')], got [('X-A', b'1')]",
        "response: trailers: expected [('x-t', b'1')], got []",
        "attempt 1: path: expected '/a', got '/b'",
        "attempt 1: query: expected None, got ''",
        "attempt 1: header x-a: expected [b'1', b'2'], got [b'1']",
        "attempt 1: header x-b: expected [], got [b'']",
        "attempt 1: body: expected b'a', got b'b'",
    ]
    assert differences(golden, Played(200, (), b"", ()))[-1] == "attempts: expected 1, got 0"


def test_a_kind_without_a_filter_fails_the_exchanges_that_use_it():
    class Other:
        name, filters = "other", frozenset({"diary"})

        def play(self, golden):
            raise AssertionError("nothing can be played without its filters")

    golden = Golden(name="x", filters=({"use": "who"}, {"use": "diary"}), expect={})
    assert run(Other(), golden) == ("other has no filter who",)
    with pytest.raises(ValueError, match="'cobol' is no kind; there are python"):
        kind("cobol")


def test_the_command_says_what_went_wrong(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "about: x\nexchanges:\n"
        "- {name: goes well, filters: [{use: diary}], expect: {}}\n"
        "- {name: does not, filters: [{use: failing}], expect: {attempts: []}}\n"
    )
    command = [sys.executable, "-m", "sdk.conformance", str(tmp_path / "mine.yaml")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout.splitlines() == [
        "mine.yaml",
        "  ok    goes well",
        "  FAIL  does not",
        "          flag: expected '', got 'FILTER'",
        "          the proxy would log: filter failing: on_request: RuntimeError: as it was told to",
        "1 passed, 1 failed",
    ]
    wrong = subprocess.run(
        [*command, "gone.yaml"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert wrong.returncode == 2
    assert "No such file" in wrong.stderr
