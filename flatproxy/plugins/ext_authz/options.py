"""What an operator may write: which service is asked, what it is told, what is taken from its answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, model_validator

from flatproxy import Options, Respond
from flatproxy.api.values import Count, Duration, File, Size, describe, parse_text, refuse

# What the question says by itself; a client that sends one of these is not heard.
OWN = frozenset(
    {"x-forwarded-for", "x-forwarded-host", "x-forwarded-method", "x-forwarded-proto", "x-forwarded-uri"}
)
# The body of an answer goes with them, whatever the operator lists.
OF_THE_BODY = ("content-type", "content-encoding")


def parse_url(value: Any) -> str:
    """Accept an http or https URL without a query: the question may add one."""
    text = parse_text(value)
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment or url.username:
        raise refuse(
            f"must be a URL such as https://authz.demo/check, without '?', '#' and '@', not '{text}'"
        )
    return text


def parse_name(value: Any) -> str:
    """Accept the name of a header that a filter may write; lower case, so that two spellings are one."""
    if not isinstance(value, str):
        raise refuse(f"must be the name of a header, not {describe(value)}")
    try:
        Respond(200, headers={value: ""})
    except ValueError as error:
        raise refuse(f"must be a header that can be sent: {error}") from None
    return value.lower()


def one_or_many(value: Any) -> Any:
    """Read a single value as a list of one."""
    return value if isinstance(value, list | tuple) else [value]


Url = Annotated[str, BeforeValidator(parse_url)]
Name = Annotated[str, BeforeValidator(parse_name)]
Names = Annotated[tuple[Name, ...], BeforeValidator(one_or_many)]


class Circuit(Options):
    """A service that does not answer is left alone for a while, so that nobody waits for it."""

    failures: Count = 5
    """So many questions in a row without an answer open it."""
    pause: Duration = timedelta(seconds=2)
    """How long nobody is asked; then one question tries."""


class Certificate(Options):
    """Ours, for a service that asks for one."""

    cert: File
    """The chain (PEM)."""
    key: File
    """Its key (PEM)."""


class ExtAuthzOptions(Options):
    """2xx lets a request in; 3xx and 4xx go to the client; all else is no answer."""

    url: Url
    """The service that is asked."""
    ask: Literal["path", "fixed"] = "path"
    """`path`: with the method of the request, and its path and query after that of the URL. `fixed`: GET of the URL as it is."""
    headers: Names = ("authorization", "cookie")
    """Headers of the request that the service is told. Method, path, host and address always come as `x-forwarded-*`."""
    identity_header: Name = "x-client-identity"
    """The header in which it is told the SPIFFE id of the client; only where there is one."""
    upstream_headers: Names = ()
    """Headers of a 2xx that the upstream is told. What the client sends under these names is dropped, always."""
    client_headers: Names = ("location", "www-authenticate")
    """Headers of a refusal that the client is told."""
    body: Size = 16 << 10
    """How much of the body of a refusal the client is told; a longer one is left out."""
    timeout: Duration = timedelta(milliseconds=250)
    """How long an answer may take. The time-out of the filter on its route (1s) has to be longer."""
    unanswered: Literal["refuse", "allow"] = "refuse"
    """What becomes of a request when there is no answer: 503, or on to the upstream."""
    connections: Count = 100
    """As many questions at once; others wait for their turn within `timeout`."""
    circuit: Circuit = Circuit()
    """When to stop asking."""
    cache: Duration | None = None
    """How long a 2xx is good for the same question; left out: each request is asked about."""
    ca: File | None = None
    """Certificates (PEM) that vouch for the service; left out: those that the public web trusts."""
    certificate: Certificate | None = None
    """What we show the service."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        taken = {*OWN, self.identity_header}
        if wrong := sorted(taken & {*self.headers, *self.upstream_headers}):
            raise refuse(f"lists '{wrong[0]}', which the question to the service says by itself")
        if both := sorted({*self.headers} & {*self.upstream_headers}):
            raise refuse(
                f"lists '{both[0]}' in `headers` and in `upstream_headers`: who says it, the client or the service?"
            )
        if not self.url.startswith("https:") and (self.ca or self.certificate):
            raise refuse("has `ca` or `certificate`, which are for https, and a URL that is not")
        return self
