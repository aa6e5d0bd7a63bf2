"""Where the control socket is, and who may come near it."""

import os
from pathlib import Path

import pytest

from flatproxy.core.control import ControlError, ControlSocket, control_path, runtime_folder


def test_both_sides_find_the_same_path(tmp_path, monkeypatch):
    (tmp_path / "flatproxy.yaml").write_text("")
    (tmp_path / "link.yaml").symlink_to("flatproxy.yaml")
    monkeypatch.chdir(tmp_path)
    paths = {control_path(Path(text)) for text in ("flatproxy.yaml", "./flatproxy.yaml", "link.yaml")}
    assert len(paths) == 1
    assert control_path(tmp_path / "other.yaml") not in paths


def test_the_path_is_short_enough_for_a_unix_socket(tmp_path):
    assert len(os.fsencode(control_path(tmp_path / ("x" * 200)))) < 108


def test_root_does_not_depend_on_its_session(monkeypatch):
    before = runtime_folder()
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/0")
    assert (runtime_folder() == before) == (os.geteuid() == 0)


def test_a_folder_that_others_may_write_to_is_refused(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    with pytest.raises(ControlError, match="only we may write to"):
        ControlSocket(tmp_path / "shared" / "control.sock")


def test_a_stale_path_is_taken_over(tmp_path):
    first = ControlSocket(tmp_path / "control.sock")
    first.close()  # as when its process was killed: the path stays
    assert first.path.exists()
    ControlSocket(tmp_path / "control.sock").remove()
    assert not first.path.exists()
