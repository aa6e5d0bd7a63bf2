"""The plan as people and `/plan` see it: JSON, no keys, certificates by what they say instead of by their text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flatproxy.config.models import Config
    from flatproxy.core.planner import PlannedRoute

Description = dict[str, Any]
HIDDEN = "(hidden)"
# A header or parameter with one of these in its name may carry a secret that the operator put into the file.
_SECRET_WORDS = ("auth", "cookie", "key", "pass", "secret", "session", "signature", "token")


def describe_plan(config: Config, document: Mapping[str, Any], routes: Sequence[PlannedRoute]) -> Description:
    """Describe a plan document."""
    planned = {(route.listener, route.route): route for route in routes}
    return {
        "source": config.source.name,
        "workers": config.worker_count(),
        "access_log": document["access_log"],
        "dns": document["dns"],
        "listeners": [_listener(listener, planned) for listener in document["listeners"]],
        "upstreams": [
            {**upstream, "tls": _client_tls(upstream["tls"])} for upstream in document["upstreams"]
        ],
    }


def _listener(listener: Mapping[str, Any], planned: Mapping[tuple[str, str], PlannedRoute]) -> Description:
    return {
        **listener,
        "tls": _server_tls(listener["tls"]),
        "routes": [_route(route, planned[listener["name"], route["name"]]) for route in listener["routes"]],
    }


def _route(route: Mapping[str, Any], planned: PlannedRoute) -> Description:
    return {
        **route,
        "match": _match(route["match"]),
        "request_headers": _edits(route["request_headers"]),
        "response_headers": _edits(route["response_headers"]),
        "action": _action(route["action"]),
        "filters": [one.described() for one in planned.chain],
        "tier": planned.tier,
        "why": planned.why,
        "phases": [one.described() for one in planned.entered],
    }


def _match(match: Mapping[str, Any]) -> Description:
    return {**match, "headers": _fields(match["headers"]), "query": _fields(match["query"])}


def _fields(fields: Sequence[Mapping[str, Any]]) -> list[Description]:
    return [{**field, "value": HIDDEN} if _is_secret(field["name"]) else dict(field) for field in fields]


def _edits(edits: Mapping[str, Any]) -> Description:
    return {"remove": edits["remove"], "set": _pairs(edits["set"]), "add": _pairs(edits["add"])}


def _pairs(pairs: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[name, HIDDEN if _is_secret(name) else value] for name, value in pairs]


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


def _action(action: Mapping[str, Any]) -> Description:
    if "respond" not in action:
        return dict(action)
    # A body may be a whole page; its size says enough.
    respond = action["respond"]
    return {
        "respond": {**respond, "headers": _pairs(respond["headers"]), "body": f"{len(respond['body'])} bytes"}
    }


# === tls ===


def _server_tls(tls: Mapping[str, Any] | None) -> Description | None:
    if tls is None:
        return None
    client = tls["client"]
    return {
        "mode": "mutual" if client else "simple",
        "certificates": [_certificate(pair["chain_pem"]) for pair in tls["certificates"]],
        "client": client
        and {
            "authorities": _authorities(client["ca_pem"]),
            "revocation": client["crl_pem"] is not None,
            "trust_domain": client["trust_domain"],
        },
        "min_version": tls["min_version"],
    }


def _client_tls(tls: Mapping[str, Any] | None) -> Description | None:
    if tls is None:
        return None
    own = tls["certificate"]
    return {
        "mode": "mutual" if own else "simple",
        "authorities": _authorities(tls["ca_pem"]),
        "revocation": tls["crl_pem"] is not None,
        "verify": tls["verify"],
        "sni": tls["sni"],
        "certificate": own and _certificate(own["chain_pem"]),
        "min_version": tls["min_version"],
    }


def _authorities(pem: str) -> list[Description]:
    return [_summary(certificate) for certificate in x509.load_pem_x509_certificates(pem.encode())]


def _certificate(chain_pem: str) -> Description:
    return _summary(x509.load_pem_x509_certificates(chain_pem.encode())[0])


def _summary(certificate: x509.Certificate) -> Description:
    return {
        "subject": certificate.subject.rfc4514_string(),
        "names": _names(certificate),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "sha256": certificate.fingerprint(hashes.SHA256()).hex(),
    }


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [str(name.value) for name in names]
