"""Who may ask: the right `Host`, no page of another site, and the bearer token where one is set.

A browser on the same machine can reach loopback, and a DNS name of its choosing can point there: so a name that is
not ours is refused, and so is a request that says it comes from somebody's page.
"""

import hmac
import ipaddress

from flatproxy.core.sockets import parse_address

# What a load balancer or kubelet asks without knowing the token; neither tells anything but yes or no.
OPEN_PATHS = frozenset({"/healthz", "/ready"})


class Guard:
    """Judges a request by its headers. No I/O."""

    def __init__(self, listen: str, token: str | None) -> None:
        self._host, _ = parse_address(listen)
        self._token = token

    def refusal(
        self, path: str, host: str | None, origin: str | None, authorization: str | None
    ) -> tuple[int, str] | None:
        """Status and reason when the request may not pass."""
        if not self._is_ours(host):
            return 421, f"this address does not answer for the host {host!r}"
        if origin is not None and origin.partition("://")[2] != host:
            return 403, "requests from the pages of other sites are refused"
        if self._token is not None and path not in OPEN_PATHS and not self._knows_token(authorization):
            return 401, "a bearer token is needed"
        return None

    def _is_ours(self, host: str | None) -> bool:
        name = _without_port(host or "")
        if name == "localhost":
            return self._host.is_loopback or self._host.is_unspecified
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            # Any name will do where the token says who asks: a page of another site does not know it.
            return bool(name) and self._token is not None
        return address == self._host or self._host.is_unspecified

    def _knows_token(self, authorization: str | None) -> bool:
        scheme, _, given = (authorization or "").partition(" ")
        expected = (self._token or "").encode()
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), expected)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
