"""Options as an operator writes them: `250ms`, `64KiB`, `50%`, text, files. Each says in plain words what it wants.

    from flatproxy.api.values import Duration

    class Options(Options):
        back_off: Duration = timedelta(milliseconds=25)

The configuration's own keys are of the same kinds.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    Strict,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

_LONGEST_DURATION = timedelta(days=365)
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)")
_DURATION_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d{1,15})(B|KiB|MiB|GiB)")
_SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE_LOOKALIKE = re.compile(r"(\d{1,15})\s*([kKmMgG])(?:[iI]?[bB]?)")
_SHARE = re.compile(r"(\d{1,3})%")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

LARGEST_U32 = 2**32 - 1


def refuse(message: str) -> PydanticCustomError:
    """Make the error that says `message`, word for word."""
    return PydanticCustomError("refused", "{message}", {"message": message})


def describe(value: Any) -> str:
    """Name a value the way an operator sees it in the file."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text '{value}'" if len(value) <= 60 else f"the text '{value[:57]}...'"
    return "a list" if isinstance(value, list | tuple) else "a mapping"


# === text ===


def parse_text(value: Any) -> str:
    """Accept text without control characters; a number has to be quoted, so that nothing is guessed."""
    if not isinstance(value, str):
        hint = (
            f"; quote it: '{value}'" if isinstance(value, int | float) and not isinstance(value, bool) else ""
        )
        raise refuse(f"must be text, not {describe(value)}{hint}")
    if not value:
        raise refuse("must not be empty")
    if _CONTROL.search(value):
        raise refuse("must not hold control characters")
    return value


Text = Annotated[str, BeforeValidator(parse_text, json_schema_input_type=str)]
Flag = Annotated[bool, Strict()]


# === numbers ===


def parse_share(value: Any) -> int:
    """Accept `50%` or a whole number of percent."""
    if isinstance(value, int) and not isinstance(value, bool):
        share = value
    elif isinstance(value, str) and (match := _SHARE.fullmatch(value)):
        share = int(match[1])
    else:
        raise refuse(f"must be a share such as 50%, not {describe(value)}")
    if not 0 <= share <= 100:
        raise refuse(f"must be from 0% to 100%, not {share}%")
    return share


Count = Annotated[int, Strict(), Field(ge=1, le=LARGEST_U32)]
Share = Annotated[
    int, BeforeValidator(parse_share), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]})
]


# === durations ===


def parse_duration(value: Any) -> timedelta:
    """Accept `250ms`, `5s`, `1m`, `24h`, `7d`, or a number of seconds."""
    if isinstance(value, timedelta):
        return value
    seconds = _seconds(value)
    if seconds is None:
        raise refuse(
            f"must be a duration such as 250ms, 5s, 1m or 1h (a bare number is seconds), not {describe(value)}"
        )
    if seconds > _LONGEST_DURATION.total_seconds():
        raise refuse(f"must be at most 365d, not {value}")
    if 0 < seconds < 0.001:
        raise refuse(f"must be at least 1ms, not {value}")
    return timedelta(milliseconds=round(seconds * 1000))


def _seconds(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) and value >= 0 else None
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        return float(match[1]) * _DURATION_UNITS[match[2]]
    return None


def parse_positive_duration(value: Any) -> timedelta:
    """Accept a duration longer than nothing."""
    duration = parse_duration(value)
    if not duration:
        raise refuse("must be longer than 0")
    return duration


def written_duration(duration: timedelta) -> str:
    """Write a duration the shortest way it can be read back: `90s`, `24h`."""
    milliseconds = round(duration.total_seconds() * 1000)
    for unit in ("h", "m", "s"):
        size = int(_DURATION_UNITS[unit] * 1000)
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


_DURATION_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h|d)$"}, {"type": "number", "minimum": 0}]}
)
Duration = Annotated[timedelta, BeforeValidator(parse_positive_duration), _DURATION_SCHEMA]
DurationOrZero = Annotated[timedelta, BeforeValidator(parse_duration), _DURATION_SCHEMA]


# === sizes ===


def parse_size(value: Any) -> int:
    """Accept `64KiB`, `1MiB`, `1GiB`, `512B`, or a number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        return int(match[1]) * _SIZE_UNITS[match[2]]
    hint = ""
    if isinstance(value, str) and (match := _SIZE_LOOKALIKE.fullmatch(value)):
        hint = f"; did you mean '{match[1]}{match[2].upper()}iB'?"
    raise refuse(
        f"must be a size such as 64KiB or 1MiB (a bare number is bytes), not {describe(value)}{hint}"
    )


_SIZE_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "string", "pattern": r"^\d+(B|KiB|MiB|GiB)$"}, {"type": "integer", "minimum": 0}]}
)
Size = Annotated[int, BeforeValidator(parse_size), Field(ge=1, le=LARGEST_U32), _SIZE_SCHEMA]
SizeOrZero = Annotated[int, BeforeValidator(parse_size), Field(ge=0, le=2**63 - 1), _SIZE_SCHEMA]


# === files ===


def parse_file(value: Any, info: ValidationInfo) -> Path:
    """Accept a path; a relative one starts at the folder of the configuration file."""
    folder = (info.context or {}).get("folder", Path())
    if isinstance(value, Path):
        return Path(folder, value)
    return Path(folder, parse_text(value))


File = Annotated[Path, BeforeValidator(parse_file), WithJsonSchema({"type": "string", "minLength": 1})]
