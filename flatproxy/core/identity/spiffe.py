"""SPIFFE names, as the SPIFFE-ID specification (section 2) writes them. Pure text, no certificates."""

import re
from typing import NamedTuple

from flatproxy.core.identity.errors import IdentityError

SCHEME = "spiffe://"
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}\Z")
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+\Z")
_MAX_BYTES = 2048  # SPIFFE-ID specification, section 2.3


class SpiffeId(NamedTuple):
    """`spiffe://<trust_domain><path>`; the path is empty or begins with a slash."""

    trust_domain: str
    path: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.trust_domain}{self.path}"


def check_trust_domain(text: str) -> str:
    """Return `text` when it is a trust domain name; raises IdentityError."""
    if not _TRUST_DOMAIN.match(text):
        raise IdentityError(
            f"`{text}` is not a trust domain: lower-case letters, digits, `.`, `-` and `_`, at most 255"
        )
    return text


def parse_id(text: str) -> SpiffeId:
    """Take a SPIFFE id apart; raises IdentityError saying which rule it breaks."""
    if not text.startswith(SCHEME):
        raise IdentityError(f"`{text}` is not a SPIFFE id: it must begin with `{SCHEME}`")
    if len(text.encode()) > _MAX_BYTES:
        raise IdentityError(f"a SPIFFE id has at most {_MAX_BYTES} bytes, this one has {len(text.encode())}")
    domain, slash, rest = text.removeprefix(SCHEME).partition("/")
    check_trust_domain(domain)
    for segment in rest.split("/") if slash else ():
        if not _SEGMENT.match(segment) or segment in (".", ".."):
            raise IdentityError(
                f"`{text}` is not a SPIFFE id: the path segment `{segment}` must be letters, digits, `.`, `-`"
                " and `_`, neither empty nor a dot segment"
            )
    return SpiffeId(domain, slash + rest)


def member_id(text: str, trust_domain: str) -> SpiffeId:
    """A SPIFFE id of a workload in `trust_domain`; raises IdentityError."""
    spiffe_id = parse_id(text)
    if spiffe_id.trust_domain != trust_domain:
        raise IdentityError(f"`{text}` is not of the trust domain `{trust_domain}`")
    if not spiffe_id.path:
        raise IdentityError(
            f"`{text}` names the trust domain itself; a workload needs a path, as in `{text}/web`"
        )
    return spiffe_id
