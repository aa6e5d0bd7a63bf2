"""Files that the plan was built from: a change is told once, when it is whole."""

import pytest

from flatproxy.core.file_watch import FileWatch
from flatproxy.core.identity import signature


@pytest.fixture
def paths(tmp_path):
    paths = (tmp_path / "cert.pem", tmp_path / "key.pem")
    for path in paths:
        path.write_text("old")
    return paths


@pytest.fixture
def told():
    return []


@pytest.fixture
def watch(paths, told):
    return FileWatch(paths, lambda: told.append("changed"), seen=signature(paths))


def test_files_at_rest_are_no_news(watch, told):
    watch.check()
    watch.check()
    assert told == []


def test_a_change_is_told_once_when_it_has_rested_for_a_look(watch, paths, told):
    paths[0].write_text("new certificate")
    watch.check()
    assert told == [], "the key may still be on its way"
    paths[1].write_text("new key")
    watch.check()
    assert told == []
    watch.check()
    watch.check()
    assert told == ["changed"]


def test_a_file_that_is_removed_is_news_too(watch, paths, told):
    paths[0].unlink()
    watch.check()
    watch.check()
    assert told == ["changed"]
