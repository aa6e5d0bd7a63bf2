"""The fixture `drive`: found without an import, loaded only for who asks for it."""

import subprocess
import sys

from tests.unit.api.plugged import ROOT, announce, run_pytest

USES = """
from pathlib import Path
from flatproxy import Filter, Options, Respond
from flatproxy.api.values import File

class Door(Filter):
    name = "test.door"

    class Options(Options):
        keys: File

    def on_request(self, exchange):
        return Respond(200, self.options.keys.read_text())

def test_files_are_looked_for_in_the_folder_of_the_test(drive, tmp_path):
    (tmp_path / "keys").write_text("opened")
    assert drive(Door, options={"keys": "keys"}).response.body == b"opened"

def test_a_folder_may_be_said(drive, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "keys").write_text("elsewhere")
    assert drive(Door, options={"keys": "keys"}, folder=tmp_path / "other").response.body == b"elsewhere"
"""
USES_NOT = """
import sys

def test_nothing_is_loaded_for_who_does_not_ask():
    heavy = [name for name in sys.modules if name.startswith("pydantic") or name == "flatproxy.api.testing"]
    assert "flatproxy.api.pytest_plugin" in sys.modules
    assert not heavy
"""


def test_a_test_asks_for_drive_by_its_name(tmp_path):
    announce(tmp_path)
    (tmp_path / "test_door.py").write_text(USES)
    ran = run_pytest(tmp_path)
    assert "2 passed" in ran.stdout, ran.stdout


def test_who_does_not_use_it_loads_nothing(tmp_path):
    announce(tmp_path)
    (tmp_path / "test_other.py").write_text(USES_NOT)
    ran = run_pytest(tmp_path)
    assert "1 passed" in ran.stdout, ran.stdout


def test_pytest_lists_it_with_what_it_does(tmp_path):
    announce(tmp_path)
    ran = run_pytest(tmp_path, "--fixtures", "-v")
    listed = " ".join(ran.stdout.split())
    assert "drive -- " in listed
    assert "Send one request through filters" in listed


def test_flatproxy_needs_no_pytest():
    script = """
import sys
sys.modules["pytest"] = None    # importing it raises ImportError
import flatproxy.api.testing
flatproxy.api.testing.drive()
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
