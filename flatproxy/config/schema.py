"""The JSON schema of the file, for editors: completion, hints, and red lines while typing.

Draft 7, which yaml-language-server and the editors built on it read best. The schema knows shapes, not what keys say
about each other; `flatproxy check` knows both.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from flatproxy.config.models import Config
from flatproxy.config.upstreams import StatusRange
from flatproxy.config.values import written_duration

DIALECT = "http://json-schema.org/draft-07/schema#"


def json_schema() -> dict[str, Any]:
    """Return the schema."""
    schema = Config.model_json_schema(schema_generator=_Generator, ref_template="#/definitions/{model}")
    definitions = schema.pop("$defs")
    return {
        "$schema": DIALECT,
        **_plain(schema),
        "title": "FlatProxy configuration",
        "definitions": _plain(definitions),
    }


class _Generator(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Write a default as an operator would."""
        if isinstance(dft, timedelta):
            return written_duration(dft)
        if isinstance(dft, Path):
            return str(dft)
        if isinstance(dft, StatusRange):
            return dft.low
        return super().encode_default(dft)


def _plain(schema: Any) -> Any:
    """Drop what only a newer dialect or no editor understands: titles made of key names, OpenAPI's discriminator."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _plain(value) for key, value in schema.items() if not _is_noise(key, value)}


def _is_noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "discriminator" and "propertyName" in value)
