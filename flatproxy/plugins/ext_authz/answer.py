"""What an answer of the service means: let in, or what the client is told. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flatproxy import Respond
from flatproxy.plugins.ext_authz.options import OF_THE_BODY

if TYPE_CHECKING:
    from flatproxy.plugins.ext_authz.options import ExtAuthzOptions

Lines = tuple[tuple[bytes, bytes], ...]
UNANSWERED = Respond(503, "cannot be decided now\n", headers={"retry-after": "1"})


class NoAnswerError(Exception):
    """The service has said nothing that decides; the text is for the log and holds no header and no body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said. `body` is None where it was longer than the client is told."""

    status: int
    headers: Lines
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What comes of it: fields for the upstream, or an answer for the client."""

    fields: Lines = ()
    refusal: Respond | None = None


class Answers:
    """Understands them, as the options say."""

    def __init__(self, options: ExtAuthzOptions) -> None:
        self._upstream = frozenset(name.encode() for name in options.upstream_headers)
        self._client = frozenset(name.encode() for name in options.client_headers)
        self._of_the_body = frozenset(name.encode() for name in OF_THE_BODY)

    def decide(self, answer: Answer) -> Decision:
        """Return what the answer says. Raises `NoAnswerError` where it says neither yes nor no."""
        # RFC 9110 section 15.4.5: 304 speaks of a copy that nobody here has.
        if not 200 <= answer.status < 500 or answer.status == 304:
            raise NoAnswerError(f"the service answered with status {answer.status}")
        try:
            if answer.status < 300:
                # What a local answer may hold, an edit may: nothing can go wrong with it later.
                return Decision(fields=Respond(200, headers=_chosen(answer.headers, self._upstream)).headers)
            names = self._client | self._of_the_body if answer.body else self._client
            return Decision(
                refusal=Respond(answer.status, answer.body or b"", headers=_chosen(answer.headers, names))
            )
        except ValueError as error:
            raise NoAnswerError("the service answered with a header that cannot be sent") from error


def _chosen(headers: Lines, names: frozenset[bytes]) -> Lines:
    return tuple((name, value) for name, value in headers if name.lower() in names)
