"""Config -> the plan document: plain values, field by field what `crates/dataplane/src/plan/document/` reads.

Durations become milliseconds, files become their text. An enum of Rust is its name for a plain variant, and
`{name: content}` for one that carries something.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flatproxy.config.upstreams import Ejection, HashHeader, RingHash
from flatproxy.core.document_tls import client_tls, server_tls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from flatproxy.config.listeners import Forwarded, Limits, Listener
    from flatproxy.config.models import Config
    from flatproxy.config.network import Network
    from flatproxy.config.routes import HeaderEdits, PathMatch, Route, RouteMatch, ValueMatch
    from flatproxy.config.upstreams import Balance, EjectionOrOff, HealthCheck, Upstream
    from flatproxy.core.document_tls import Credentials
    from flatproxy.core.filters.placing import Placed

    # The filters of a route, by the number of its listener and its own.
    Chains = Mapping[tuple[int, int], tuple[Placed, ...]]

Document = dict[str, Any]


def document_of(config: Config, credentials: Credentials, chains: Chains) -> Document:
    """Return the whole document. What cannot be read is reported to `credentials`."""
    return {
        "listeners": [
            _listener(config, listener, credentials, number, chains)
            for number, listener in enumerate(config.listeners)
        ],
        "upstreams": [
            _upstream(upstream, credentials, number) for number, upstream in enumerate(config.upstreams)
        ],
        "access_log": {"file": str(config.access_log)}
        if isinstance(config.access_log, Path)
        else config.access_log,
        "dns": {
            "servers": [str(server) for server in config.dns.servers],
            "refresh_ms": _ms(config.dns.refresh),
        },
    }


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)


# === listen ===


def _listener(
    config: Config, listener: Listener, credentials: Credentials, number: int, chains: Chains
) -> Document:
    return {
        "name": listener.name,
        "address": str(listener.listen),
        "tls": server_tls(listener.tls, credentials, ("listeners", number, "tls")),
        "limits": _limits(config.limits_of(listener)),
        "paths": listener.paths.model_dump(),
        "forwarded": _forwarded(listener.forwarded),
        "routes": [
            _route(route, chains.get((number, index), ())) for index, route in enumerate(listener.routes)
        ],
    }


def _limits(limits: Limits) -> Document:
    return {
        "head_bytes": limits.head,
        "headers": limits.headers,
        "head_timeout_ms": _ms(limits.head_timeout),
        "idle_timeout_ms": _ms(limits.idle_timeout),
        "tls_handshake_timeout_ms": _ms(limits.tls_handshake_timeout),
        "stall_timeout_ms": _ms(limits.stall_timeout),
        "held_body_bytes": limits.held_body,
        "write_buffer_bytes": limits.write_buffer,
        "body_bytes": limits.body,
        "connections": limits.connections,
    }


def _forwarded(forwarded: Forwarded) -> Document:
    return {
        "x_forwarded_for": forwarded.x_forwarded_for,
        "x_forwarded_proto": forwarded.x_forwarded_proto,
        "via": forwarded.via,
        "request_id": forwarded.request_id,
        "client_cert_header": forwarded.client_cert_header,
        "trusted": [_network(network) for network in forwarded.trusted],
    }


def _network(network: Network) -> Document:
    return {"address": network.address, "prefix": network.prefix}


# === route ===


def _route(route: Route, chain: tuple[Placed, ...]) -> Document:
    return {
        "name": route.name,
        "match": _match(route.match),
        "filters": [_filter(placed) for placed in chain],
        "action": _action(route),
        "request_headers": _edits(route.request_headers),
        "response_headers": _edits(route.response_headers),
        "timeout_ms": _ms(route.timeout),
    }


def _match(match: RouteMatch) -> Document:
    return {
        "hosts": list(match.host or ()),
        "path": _path_match(match.path),
        "methods": list(match.methods or ()),
        "headers": _field_matches(match.headers),
        "query": _field_matches(match.query),
    }


def _path_match(match: PathMatch | None) -> Document | str:
    return "any" if match is None else match.model_dump(exclude_none=True)


def _field_matches(fields: Mapping[str, ValueMatch]) -> list[Document]:
    return [{"name": name, "value": value.model_dump(exclude_none=True)} for name, value in fields.items()]


def _filter(placed: Placed) -> Document:
    return {
        "name": placed.found.name,
        "options": placed.key.encode(),  # the instance that goes with the plan has them
        "fail_open": placed.use.fail == "open",
        "timeout_ms": _ms(placed.use.timeout),
    }


def _action(route: Route) -> Document:
    if route.redirect is not None:
        return {"redirect": route.redirect.model_dump()}
    if route.respond is not None:
        respond = route.respond
        headers = [list(pair) for pair in respond.headers.items()]
        return {"respond": {"status": respond.status, "headers": headers, "body": respond.body.encode()}}
    rewrite = route.rewrite
    return {
        "forward": {
            "upstreams": [
                {"upstream": target.name, "weight": target.weight} for target in route.upstream or ()
            ],
            "rewrite_prefix": rewrite.prefix if rewrite else None,
            "rewrite_host": rewrite.host if rewrite else None,
        }
    }


def _edits(edits: HeaderEdits) -> Document:
    return {
        "remove": list(edits.remove),
        "set": [list(pair) for pair in edits.set.items()],
        "add": [list(pair) for pair in edits.add.items()],
    }


# === upstream ===


def _upstream(upstream: Upstream, credentials: Credentials, number: int) -> Document:
    return {
        "name": upstream.name,
        "endpoints": [
            {"host": endpoint.address.host, "port": endpoint.address.port, "weight": endpoint.weight}
            for endpoint in upstream.endpoints
        ],
        "balance": _balance(upstream.balance),
        "tls": client_tls(upstream, credentials, ("upstreams", number, "tls")),
        "connect_timeout_ms": _ms(upstream.connect_timeout),
        "idle_timeout_ms": _ms(upstream.idle_timeout),
        "max_connections": upstream.max_connections,
        "max_pending": upstream.max_pending,
        "max_requests": upstream.max_requests,
        "health_check": _health_check(upstream.health_check),
        "ejection": _ejection(upstream.ejection),
    }


def _balance(balance: Balance) -> Document | str:
    if not isinstance(balance, RingHash):
        return balance
    key = balance.ring_hash
    return {"ring_hash": {"header": key.header} if isinstance(key, HashHeader) else key}


def _health_check(check: HealthCheck | None) -> Document | None:
    if check is None:
        return None
    probe: Document | str = "tcp"
    if check.http is not None:
        http = check.http
        status = {"status_min": http.status.low, "status_max": http.status.high}
        probe = {"http": {"path": http.path, "host": http.host, **status}}
    return {
        "probe": probe,
        "interval_ms": _ms(check.interval),
        "timeout_ms": _ms(check.timeout),
        "healthy": check.healthy,
        "unhealthy": check.unhealthy,
    }


def _ejection(ejection: EjectionOrOff) -> Document | None:
    if not isinstance(ejection, Ejection):
        return None
    return {
        "failures": ejection.failures,
        "base_ms": _ms(ejection.base),
        "max_ms": _ms(ejection.max),
        "panic_percent": ejection.panic,
    }
