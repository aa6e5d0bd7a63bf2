"""Filters in files: one per file, the class of a text, and every way in which a file is none."""

import gc
import sys
from textwrap import dedent

import pytest

from flatproxy.core.filters.files import FilterFiles, is_file
from flatproxy.core.filters.found import FilterError

FILTER = """
    from __future__ import annotations
    from flatproxy import Exchange, Filter, Options, Respond

    class DenyList(Filter):
        name = "acme.deny_list"

        class Options(Options):
            peers: frozenset[str] = frozenset()

        def on_request(self, exchange: Exchange) -> Respond | None:
            return None
"""


@pytest.fixture
def write(tmp_path):
    def run(text: str, name: str = "deny_list.py") -> FilterFiles:
        (tmp_path / name).write_text(dedent(text))
        return FilterFiles(tmp_path)

    return run


def refusal(files, use="./deny_list.py"):
    with pytest.raises(FilterError) as caught:
        files.find(use)
    return str(caught.value)


def test_a_file_holds_a_filter(write):
    found = write(FILTER).find("./deny_list.py")
    assert (found.name, found.origin, found.version) == ("acme.deny_list", "file ./deny_list.py", "")
    assert found.kind.Options(peers=["a"]).peers == {"a"}, "annotations of the file are understood"
    assert not [name for name in sys.modules if "deny_list" in name], (
        "nothing stays behind in the interpreter"
    )


def test_the_same_text_is_the_same_class(write):
    first = write(FILTER).find("./deny_list.py").kind
    assert write(FILTER).find("./deny_list.py").kind is first, "so a reload keeps what its instances know"


def test_another_text_is_another_class(write):
    first = write(FILTER).find("./deny_list.py").kind
    second = write(FILTER + "    # edited").find("./deny_list.py").kind
    assert second is not first


def test_a_class_that_nobody_uses_is_given_back(write):
    from flatproxy.core.filters import files

    write(FILTER).find("./deny_list.py")
    gc.collect()
    assert len(files._LOADED) == 0, "an edit a minute must not fill the memory"


def test_a_text_that_is_remembered_is_not_read_again(write, tmp_path):
    text = FILTER.replace("frozenset()\n", 'frozenset()\n            """Who is turned away."""\n')
    (tmp_path / "deny_list.py").write_text("broken(")
    later = FilterFiles(tmp_path, {"./deny_list.py": dedent(text)})
    found = later.find("./deny_list.py")
    assert found.kind.Options.model_fields["peers"].description == "Who is turned away.", "of what runs"


def test_a_file_may_register_what_it_holds(write):
    more = """
    from flatproxy import hookimpl

    class Base(Filter):
        name = "acme.base"

    @hookimpl
    def register_filters():
        return [DenyList]
"""
    assert write(FILTER + more).find("./deny_list.py").name == "acme.deny_list"


def test_a_filter_that_is_only_imported_does_not_count(write, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    write("from flatproxy import Filter\nclass Base(Filter):\n    name = 'acme.base'\n", "acme_base.py")
    files = write("from acme_base import Base\nclass Own(Base):\n    name = 'acme.own'\n")
    try:
        assert files.find("./deny_list.py").name == "acme.own"
    finally:
        del sys.modules["acme_base"]


def test_a_file_with_two_filters_names_them(write):
    second = FILTER.replace("DenyList", "Other").replace("deny_list", "other")
    message = refusal(write(FILTER + second.replace("from __future__ import annotations", "")))
    assert "defines 2 filters, acme.deny_list, acme.other: a file holds exactly one" in message


def test_a_file_without_a_filter_says_so(write):
    assert "defines no filter" in refusal(write("x = 1"))


def test_an_exception_is_told_with_its_trace(write, tmp_path):
    lines = refusal(write("def f():\n    return 1 / 0\nf()")).splitlines()
    assert lines[0] == f"{tmp_path}/deny_list.py cannot be loaded: ZeroDivisionError: division by zero"
    assert lines[1:5:2] == [
        f'    File "{tmp_path}/deny_list.py", line 3, in <module>',
        f'    File "{tmp_path}/deny_list.py", line 2, in f',
    ], "its own frames only"


def test_broken_syntax_is_told_at_its_line(write):
    message = refusal(write("class :\n"))
    assert "line 1" in message
    assert "SyntaxError" in message


@pytest.mark.parametrize("text", ["raise SystemExit", "raise RecursionError", "assert False, 'no'"])
def test_whatever_a_file_does_is_an_error_and_no_more(write, text):
    assert "cannot be loaded" in refusal(write(text))


def test_a_broken_contract_is_told_at_its_line(write, tmp_path):
    message = refusal(write(FILTER.replace("on_request", "on_reqest")))
    assert "'on_reqest' is no phase (did you mean 'on_request'?)" in message
    assert message.endswith(f"({tmp_path}/deny_list.py:5)")


def test_other_hooks_belong_into_packages(write):
    text = "from flatproxy import hookimpl\n@hookimpl\ndef on_start():\n    pass\n"
    assert "implements the hook `on_start`" in refusal(write(text))


def test_what_is_no_file_of_python_is_told(write, tmp_path):
    files = write(FILTER)
    assert refusal(files, "./gone.py") == f"cannot read {tmp_path}/gone.py: no such file"
    assert refusal(files, "./deny_list") == "'./deny_list' is no filter: a filter file ends in .py"
    (tmp_path / "bytes.py").write_bytes(b"\xff")
    assert refusal(files, "./bytes.py") == f"{tmp_path}/bytes.py is not UTF-8"
    (tmp_path / "huge.py").write_bytes(b"#" * ((1 << 20) + 1))
    assert refusal(files, "./huge.py") == f"{tmp_path}/huge.py is larger than 1 MiB"
    assert "cannot read" in refusal(files, "./a\0.py")


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("./a.py", True),
        ("a.py", True),
        ("/x/a.py", True),
        ("../a", True),
        ("acme.deny_list", False),
        ("retry", False),
    ],
)
def test_a_use_is_a_file_or_a_name(use, expected):
    assert is_file(use) == expected
