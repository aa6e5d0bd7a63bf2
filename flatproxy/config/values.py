"""Parts of the configuration: what every model of it is, and the scalars that only it has; `api/values.py` has the others."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator

from flatproxy.api.values import (
    LARGEST_U32,
    Count,
    Duration,
    DurationOrZero,
    File,
    Flag,
    Share,
    Size,
    SizeOrZero,
    Text,
    describe,
    parse_duration,
    parse_file,
    parse_positive_duration,
    parse_share,
    parse_size,
    parse_text,
    refuse,
    written_duration,
)

__all__ = [
    "EITHER", "LARGEST_U32", "Count", "Duration", "DurationOrZero", "File", "Flag", "Model", "Name", "Share", "Size",
    "SizeOrZero", "Text", "describe", "kind_of", "parse_duration", "parse_file", "parse_name", "parse_positive_duration",
    "parse_share", "parse_size", "parse_text", "refuse", "written_duration",
]  # fmt: skip


class Model(BaseModel):
    """A part of the configuration: frozen, and any key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def parse_name(value: Any) -> str:
    """Accept what can stand in a log line and in a metric's label without quoting."""
    name = parse_text(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}", name):
        raise refuse(
            f"'{name[:140]}' is no name: up to 128 letters, digits, '.', '_', '-', '/', a letter or digit first"
        )
    return name


Name = Annotated[str, BeforeValidator(parse_name, json_schema_input_type=str)]


def kind_of(value: Any) -> Literal["(mapping)", "(word)"]:
    """Tell a mapping from anything else: the tags of the two ways that some values may be written."""
    return "(mapping)" if isinstance(value, dict | Model) else "(word)"


EITHER = Discriminator(kind_of)
