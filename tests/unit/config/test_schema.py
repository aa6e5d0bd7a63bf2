"""The JSON schema: what an editor accepts is what the file may hold."""

import json

import jsonschema
import pytest
from ruamel.yaml import YAML

from flatproxy.config.schema import DIALECT, json_schema
from tests.unit.conftest import MAXIMAL


@pytest.fixture(scope="module")
def validator():
    schema = json_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def parsed(text):
    return YAML(typ="safe", pure=True).load(text)


def test_the_schema_is_plain_json_of_one_dialect():
    schema = json_schema()
    assert json.loads(json.dumps(schema))["$schema"] == DIALECT, "editors must know how to read it"
    assert "$defs" not in json.dumps(schema), "draft 7 calls them definitions"


def test_the_maximal_file_fits(validator):
    errors = [
        f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(parsed(MAXIMAL))
    ]
    assert errors == [], "what FlatProxy takes, an editor must not mark"


@pytest.mark.parametrize(
    "text",
    [
        "listeners: [{name: web, listen: 127.0.0.1:80, routes: [{name: a, upstreem: b}]}]",
        "listeners: [{name: web, listen: 127.0.0.1:80, routes: []}]",
        "listeners: [{name: web, listen: 127.0.0.1:80, tls: {mode: of}, routes: [{name: a, upstream: b}]}]",
        "listeners: []",
        "{}",
        "drain: soon\nlisteners: [{name: web, listen: 127.0.0.1:80, routes: [{name: a, upstream: b}]}]",
    ],
)
def test_slips_are_marked(validator, text):
    assert list(validator.iter_errors(parsed(text))), "an editor should show this slip"


def test_every_key_explains_itself():
    schema = json_schema()
    models = {"the file": schema} | schema["definitions"]
    silent = [
        f"{name}.{key}"
        for name, model in models.items()
        for key, field in model.get("properties", {}).items()
        if "description" not in field
    ]
    assert silent == [], "an editor shows the description of the key under the cursor"


def test_defaults_are_written_as_an_operator_would():
    schema = json_schema()
    assert schema["properties"]["drain"]["default"] == "30s"
    assert schema["definitions"]["Identity"]["properties"]["state"]["default"] == ".flatproxy"
    assert schema["definitions"]["HttpProbe"]["properties"]["status"]["default"] == 200
