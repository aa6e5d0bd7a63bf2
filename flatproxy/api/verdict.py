"""What a phase may answer with. A verdict is a value; None means: carry on."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Text = str | bytes
Headers = Mapping[str, Text] | Iterable[tuple[Text, Text]]

LONGEST_WAIT_SECONDS = 3600.0
# RFC 9110 section 5.6.2.
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110 section 5.5: what a value must not hold.
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# They say where a message ends or which connection it is on: the core writes them.
_OWNED = frozenset({
    b"connection", b"content-length", b"host", b"keep-alive", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
})  # fmt: skip
# RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5: responses without content.
_BODILESS = frozenset({204, 205, 304})
_PLAIN_TEXT = (b"content-type", b"text/plain; charset=utf-8")


@dataclass(frozen=True, slots=True, init=False)
class Respond:
    """Answer the client now: `Respond(403, "not you", headers={"x-reason": "policy"})`.

    No upstream is asked (any more). Raises ValueError or TypeError for what cannot be sent.
    """

    status: int
    """A final status code, 200 to 599."""
    headers: tuple[tuple[bytes, bytes], ...]
    """Names in lower case. `content-type` is text/plain in UTF-8 where the body is text and nothing else is said."""
    body: bytes

    def __init__(self, status: int, body: Text = b"", *, headers: Headers = ()) -> None:
        """Text is sent as UTF-8. `headers` is a mapping, or pairs where a name comes more than once."""
        fields = _fields(headers)
        if isinstance(body, str) and body and not any(name == b"content-type" for name, _ in fields):
            fields = (_PLAIN_TEXT, *fields)
        content = _bytes(body, "the body")
        if isinstance(status, bool) or not isinstance(status, int):
            raise TypeError(f"a status is a whole number such as 403, not {status!r}")
        if not 200 <= status <= 599:
            raise ValueError(f"a final status is from 200 to 599, not {status}")
        if content and status in _BODILESS:
            raise ValueError(f"a response with status {status} has no body")
        object.__setattr__(self, "status", int(status))
        object.__setattr__(self, "headers", fields)
        object.__setattr__(self, "body", content)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, `after` so many seconds. Only from `on_failure`, and only a request that can be sent again."""

    after: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError or TypeError for what is no time to wait."""
        if isinstance(self.after, bool) or not isinstance(self.after, int | float):
            raise TypeError(f"`after` is a number of seconds, not {self.after!r}")
        if not (math.isfinite(self.after) and 0 <= self.after <= LONGEST_WAIT_SECONDS):
            raise ValueError(f"`after` is from 0 to {LONGEST_WAIT_SECONDS:.0f} seconds, not {self.after}")
        object.__setattr__(self, "after", float(self.after))


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection, without a word. Only from `on_connect`."""


Verdict = Respond | Retry | Close


# === fields ===


def _fields(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return tuple((_name(name), _value(name, value)) for name, value in pairs)


def _name(name: Text) -> bytes:
    data = _bytes(name, "the name of a header").lower()
    if not _TOKEN.fullmatch(data):
        raise ValueError(f"{name!r} is no name of a header")
    if data in _OWNED:
        raise ValueError(f"'{data.decode()}' is written by the proxy itself")
    return data


def _value(name: Text, value: Text) -> bytes:
    data = _bytes(value, f"the value of {name!r}").strip(b" \t")
    if _CONTROL.search(data):
        raise ValueError(f"the value of {name!r} holds a control character")
    return data


def _bytes(value: Text, what: str) -> bytes:
    """Surrogates stand for bytes that are no UTF-8, as in the values that `Headers` gives."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"{what} must be text or bytes, not {value!r}")
