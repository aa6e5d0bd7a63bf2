"""docs/configuration.md: every key with its default and its meaning, and examples that work."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flatproxy.config.models import Config
from flatproxy.config.schema import json_schema
from flatproxy.config.values import Model
from flatproxy.config.wording import models_in

PAGE = (Path(__file__).parents[3] / "docs/configuration.md").read_text()


def models() -> Iterator[tuple[str, type[Model]]]:
    """Every model once, with the path of keys that leads to it."""
    found: dict[type[Model], str] = {}

    def walk(current: type[Model], where: str) -> None:
        found[current] = where
        for key, field in current.model_fields.items():
            for inner in models_in(field.annotation):
                if inner not in found:
                    walk(inner, f"{where}.{key}".lstrip("."))

    walk(Config, "")
    yield from ((where, kind) for kind, where in found.items())


def table(path: str) -> dict[str, list[str]]:
    """The rows below a heading, by key."""
    heading = f"# `{path}`" if path else "## The file"
    assert heading in PAGE, f"docs/configuration.md needs a section `{path}`"
    section = PAGE.split(f"{heading}\n", 1)[1]
    section = re.split(r"^#+ ", section, maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row for row in rows}


@pytest.mark.parametrize(
    ("path", "model"), list(models()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_key_is_documented_as_the_model_has_it(path, model):
    rows = table(path)
    assert list(rows) == list(model.model_fields), (
        f"the table of `{path}` should have the keys of the model, in order"
    )
    for key, field in model.model_fields.items():
        assert rows[key][3] == field.description, (
            f"`{path}.{key}` should mean the same on the page and in the model"
        )


@pytest.mark.parametrize(
    ("path", "model"), list(models()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_default_is_the_one_that_counts(path, model):
    schema = json_schema()
    properties = schema if model is Config else schema["definitions"][model.__name__]
    for key, row in table(path).items():
        assert (row[2] == "required") == (key in properties.get("required", [])), (
            f"is `{path}.{key}` required?"
        )
        default = properties["properties"][key].get("default")
        if isinstance(default, str | int | bool) and default != "":
            written = str(default).lower() if isinstance(default, bool) else str(default)
            sizes = {"65536": "64KiB", "1048576": "1MiB", "50": "50%"}
            assert row[2] in (f"`{written}`", f"`{sizes.get(written)}`"), (
                f"the default of `{path}.{key}` is {written}"
            )


def examples(mark):
    return [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL) if mark(block)]


@pytest.mark.parametrize("text", examples(lambda block: block.startswith("# complete")))
def test_a_complete_example_is_one(load_text, text):
    assert load_text(text).source.warnings == (), "what a reader copies first should work"


FILES = re.compile(r"[\w-]+\.(?:pem|key)")
AROUND = {
    "listeners": "{text}upstreams: [{{name: app, endpoints: [127.0.0.1:9001]}}]\nidentity: {{trust_domain: demo.mesh}}\n",
    "upstreams": "{text}listeners: [{{name: web, listen: 127.0.0.1:80, routes: [{{name: all, upstream: orders}}]}}]\n"
    "identity: {{trust_domain: demo.mesh}}\n",
    "routes": "listeners:\n- name: web\n  listen: 127.0.0.1:80\n{indented}"
    "upstreams: [{{name: orders, endpoints: [127.0.0.1:1]}}, {{name: orders-next, endpoints: [127.0.0.1:2]}}]\n",
    "match": "listeners:\n- name: web\n  listen: 127.0.0.1:80\n  routes:\n  - name: all\n    redirect: {{path: /}}\n{deep}",
    "redirect": "listeners:\n- name: web\n  listen: 127.0.0.1:80\n  routes:\n  - name: all\n    match: {{path: {{prefix: /}}}}\n{deep}",
    "respond": "listeners:\n- name: web\n  listen: 127.0.0.1:80\n  routes:\n  - name: all\n{deep}",
    "rewrite": "listeners:\n- name: web\n  listen: 127.0.0.1:80\n  routes:\n  - name: all\n    upstream: app\n{deep}"
    "upstreams: [{{name: app, endpoints: [127.0.0.1:1]}}]\n",
    "request_headers": "listeners:\n- name: web\n  listen: 127.0.0.1:80\n  routes:\n  - name: all\n    redirect: {{path: /}}\n{deep}",
    "balance": "{smallest}{indented}",
    "health_check": "{smallest}{indented}",
    "ejection": "{smallest}{indented}",
    "": "{text}listeners: [{{name: web, listen: 127.0.0.1:80, routes: [{{name: all, redirect: {{path: /}}}}]}}]\n",
}
SMALLEST = """\
listeners: [{name: web, listen: 127.0.0.1:80, routes: [{name: all, upstream: app}]}]
upstreams:
- name: app
  endpoints: [127.0.0.1:1]
"""


@pytest.mark.parametrize(
    "text", examples(lambda block: not block.startswith("# ") and not FILES.search(block))
)
def test_a_part_that_is_shown_fits_into_a_file(load_text, text):
    key = text.partition(":")[0]
    indented = "".join(f"  {line}\n" for line in text.splitlines())
    deep = "".join(f"    {line}\n" for line in text.splitlines())
    whole = AROUND.get(key, AROUND[""]).format(text=text, indented=indented, deep=deep, smallest=SMALLEST)
    assert load_text(whole), f"the example of `{key}` should be right"
