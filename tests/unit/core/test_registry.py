"""Finding filters: through entry points, by name, and with a plain word on what is wrong."""

import sys
from textwrap import dedent

import pytest

from flatproxy import Filter
from flatproxy.core.filters.found import FilterError
from flatproxy.core.registry import Registry


class DenyList(Filter):
    name = "acme.deny_list"

    def on_done(self, exchange):
        pass

    def on_connect(self, exchange):
        pass


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package with one module and its entry point, as pip would."""
    monkeypatch.syspath_prepend(tmp_path)
    own = tmp_path / "flatproxy-1.0.dist-info"  # hides the built-in filters
    own.mkdir()
    (own / "METADATA").write_text("Metadata-Version: 2.1\nName: flatproxy\nVersion: 1.0\n")

    def run(module: str, *, name: str = "acme-filters", entry: str = "acme", member: str = "") -> None:
        base = f"{name.replace('-', '_')}_{entry}"
        (tmp_path / f"{base}.py").write_text(dedent(module))
        info = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[flatproxy]\n{entry} = {base}{member}\n")
        monkeypatch.delitem(sys.modules, base, raising=False)

    return run


PACKAGE = """
    from flatproxy import Filter, hookimpl

    class DenyList(Filter):
        name = "acme.deny_list"

    @hookimpl
    def register_filters():
        return [DenyList]
"""


def missing(registry, name):
    with pytest.raises(FilterError) as caught:
        registry.find(name)
    return str(caught.value)


def test_a_package_announces_its_filters_through_an_entry_point(install):
    install(PACKAGE)
    found = Registry.discover().find("acme.deny_list")
    assert (found.name, found.version, found.origin) == ("acme.deny_list", "1.0", "package acme-filters 1.0")


def test_an_entry_point_may_be_the_class_itself(install):
    install(PACKAGE, member=":DenyList")
    assert Registry.discover().find("acme.deny_list").origin == "package acme-filters 1.0"


def test_built_in_filters_are_loaded_when_they_are_asked_for(install):
    install(PACKAGE.replace("acme.deny_list", "acme"), name="flatproxy")
    registry = Registry.discover()
    assert "flatproxy_acme" not in sys.modules, "a proxy pays only for the filters that it uses"
    assert registry.find("acme").origin == "built in"
    assert "flatproxy_acme" in sys.modules


def test_a_package_that_cannot_be_loaded_is_told_with_its_trace_to_who_misses_it(install):
    install("import not_there")
    registry = Registry.discover()
    lines = missing(registry, "acme.deny_list").splitlines()
    assert lines[:2] == [
        "no filter named 'acme.deny_list': no filter is installed",
        "the filter package 'acme' cannot be loaded: ModuleNotFoundError: No module named 'not_there'",
    ]
    assert lines[-1].strip() == "import not_there", "the trace ends where the mistake is"
    assert all("registry.py" not in line for line in lines), "our own frames say nothing to its author"


def test_a_package_that_breaks_the_contract_is_told_where(install):
    install(PACKAGE.replace('name = "acme.deny_list"', 'name = "Acme"'))
    (reason,) = Registry.discover().broken.values()
    assert "'Acme' is no name for a filter" in reason
    assert reason.endswith("acme_filters_acme.py:4)"), "the line of the class, without a trace"


def test_a_hook_that_is_misspelt_is_named(install):
    install("""
        from flatproxy import hookimpl

        @hookimpl
        def register_filter():
            return []
    """)
    assert "register_filter" in Registry.discover().broken["acme"]


def test_what_is_registered_must_be_filters(install):
    install(PACKAGE.replace("[DenyList]", "[DenyList, 7]"))
    registry = Registry.discover()
    assert "`register_filters` of package acme-filters 1.0 returns 7" in registry.broken["acme"]
    assert registry.all() == [], "half a package is none"


def test_a_broken_package_does_not_hide_the_others(install):
    install("raise SystemExit(3)", name="zeta", entry="zeta")
    install(PACKAGE)
    registry = Registry.discover()
    assert [found.name for found in registry.all()] == ["acme.deny_list"]
    assert list(registry.broken) == ["zeta"]


def test_two_filters_of_one_name_are_an_error_for_who_uses_it():
    class Other(Filter):
        name = "acme.deny_list"

    registry = Registry.of([DenyList, Other])
    assert missing(registry, "acme.deny_list").startswith(
        "two installed filters are named 'acme.deny_list': "
    )
    assert len(registry.all()) == 2, "a list shows both"


def test_a_missing_filter_is_told_with_what_is_there():
    registry = Registry.of([DenyList])
    assert registry.find("acme.deny_list").kind is DenyList
    assert (
        missing(registry, "acme.denylist")
        == "no filter named 'acme.denylist'; did you mean 'acme.deny_list'?"
    )
    assert missing(registry, "xyz") == "no filter named 'xyz'; installed: acme.deny_list"
    assert missing(Registry(), "xyz") == "no filter named 'xyz': no filter is installed"


def test_phases_are_in_the_order_of_an_exchange():
    assert Registry.of([DenyList]).find("acme.deny_list").phases == ("on_connect", "on_done")


HOOKS = """
    from flatproxy import hookimpl

    @hookimpl
    def on_start():
        print("NAME started")

    @hookimpl
    def on_stop():
        raise RuntimeError("NAME")
"""


def test_hooks_are_called_whatever_another_does(install, capsys):
    install(HOOKS.replace("NAME", "a"), name="a", entry="a")
    install(HOOKS.replace("NAME", "b"), name="b", entry="b")
    registry = Registry.discover()
    assert list(registry.tell("on_start")) == []
    assert sorted(capsys.readouterr().out.splitlines()) == ["a started", "b started"]
    failed = sorted(line.splitlines()[0] for line in registry.tell("on_stop"))
    assert failed == [f"on_stop of the filter package '{name}' failed: RuntimeError: {name}" for name in "ab"]
