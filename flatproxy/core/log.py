"""Log lines of the supervisor and of the proxy's Python side, on stderr: JSON, or text on a terminal.

Every line has `time`, `level`, `event` (a short stable word to search for) and what belongs to the event.
Access log lines are the native core's and never pass here.
"""

import contextlib
import json
import os
import sys
from datetime import UTC, datetime
from typing import Literal

Level = Literal["info", "warning", "error"]
_COLOURS: dict[str, str] = {"info": "32", "warning": "33", "error": "31"}


def event(name: str, message: str = "", *, level: Level = "info", **fields: object) -> None:
    """Write one line with one system call, so that lines of two processes never mix."""
    line = _text(name, message, level, fields) if _on_terminal() else _json(name, message, level, fields)
    with contextlib.suppress(OSError):  # nobody can be told that nobody can be told
        os.write(2, line.encode(errors="replace") + b"\n")


def _on_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except ValueError:  # closed
        return False


def _json(name: str, message: str, level: Level, fields: dict[str, object]) -> str:
    record: dict[str, object] = {"time": _now(), "level": level, "event": name, "pid": os.getpid()}
    if message:
        record["message"] = message
    return json.dumps(record | fields, default=str)


def _text(name: str, message: str, level: Level, fields: dict[str, object]) -> str:
    label = level if "NO_COLOR" in os.environ else f"\x1b[{_COLOURS[level]}m{level}\x1b[0m"
    details = " ".join(f"{key}={_plain(value)}" for key, value in fields.items())
    return " ".join(part for part in (_now()[11:23], label, name, message, details) if part)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
