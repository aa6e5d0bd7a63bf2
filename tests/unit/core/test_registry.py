"""Finding filters: through entry points, by name, and with a plain word on what is wrong."""

import sys
from textwrap import dedent

import pytest

from flatproxy.core.registry import Registry, RegistryError


class DenyList:
    name = "acme.deny_list"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package with one module and its entry point, as pip would."""

    def run(module: str) -> None:
        (tmp_path / "acme_filters.py").write_text(dedent(module))
        info = tmp_path / "acme_filters-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-filters\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[flatproxy]\nacme = acme_filters\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "acme_filters", raising=False)

    return run


def test_a_package_announces_its_filters_through_an_entry_point(install):
    install("""
        import pluggy

        class DenyList:
            name = "acme.deny_list"

        @pluggy.HookimplMarker("flatproxy")
        def register_filters():
            return [DenyList]
    """)
    assert list(Registry.discover().filters) == ["acme.deny_list"]


def test_a_package_that_cannot_be_loaded_is_named(install):
    install("import not_there")
    with pytest.raises(
        RegistryError, match="the filter package 'acme' cannot be loaded: No module named 'not_there'"
    ):
        Registry.discover()


def test_a_hook_that_is_misspelt_is_named(install):
    install("""
        import pluggy

        @pluggy.HookimplMarker("flatproxy")
        def register_filter():
            return []
    """)
    with pytest.raises(RegistryError, match="register_filter"):
        Registry.discover()


def test_two_filters_of_one_name_are_an_error():
    class Other:
        name = "acme.deny_list"

    with pytest.raises(RegistryError, match=r"two installed filters are named 'acme\.deny_list'"):
        Registry.of([DenyList, Other])


def test_a_filter_without_a_name_is_an_error():
    with pytest.raises(RegistryError, match="has no `name`"):
        Registry.of([object()])


def test_a_missing_filter_is_told_with_what_is_there():
    registry = Registry.of([DenyList])
    assert registry.missing("acme.deny_list") is None, "it is installed"
    assert (
        registry.missing("acme.denylist") == "no filter named 'acme.denylist'; did you mean 'acme.deny_list'?"
    )
    assert registry.missing("xyz") == "no filter named 'xyz'; installed: acme.deny_list"
    assert Registry().missing("xyz") == "no filter named 'xyz': no filter is installed"
