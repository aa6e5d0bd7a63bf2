"""Do the settings of an upstream fit each other?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy.config.upstreams import Ejection
from flatproxy.config.values import written_duration

if TYPE_CHECKING:
    from flatproxy.config.checks.findings import Findings
    from flatproxy.config.models import Config
    from flatproxy.config.source import Steps
    from flatproxy.config.upstreams import HealthCheck, Upstream


def check(config: Config, findings: Findings) -> None:
    """Find endpoints listed twice, probes that are none, and ejections that end before they start."""
    for number, upstream in enumerate(config.upstreams):
        path: Steps = ("upstreams", number)
        _endpoints(upstream, (*path, "endpoints"), findings)
        if upstream.health_check is not None:
            _health_check(upstream.health_check, (*path, "health_check"), findings)
        ejection = upstream.ejection
        if isinstance(ejection, Ejection) and ejection.max < ejection.base:
            base = written_duration(ejection.base)
            findings.error((*path, "ejection", "max"), f"`max` must not be shorter than `base` ({base})")


def _endpoints(upstream: Upstream, path: Steps, findings: Findings) -> None:
    seen = set()
    for number, endpoint in enumerate(upstream.endpoints):
        if endpoint.address in seen:
            findings.error(
                (*path, number), f"endpoint {endpoint.address} is listed twice; give it a weight instead"
            )
        seen.add(endpoint.address)


def _health_check(check: HealthCheck, path: Steps, findings: Findings) -> None:
    if check.http is not None and check.tcp:
        findings.error_at_key((*path, "tcp"), "a health check has `http` or `tcp`, not both")
    if check.http is None and not check.tcp:
        findings.error(path, "a health check needs `http: {path: ...}` or `tcp: true`")
    if check.http is not None and not check.http.path.startswith("/"):
        findings.error(
            (*path, "http", "path"), f"`path` must start with '/'; did you mean '/{check.http.path}'?"
        )
    if check.timeout > check.interval:
        interval = written_duration(check.interval)
        findings.error((*path, "timeout"), f"`timeout` must not be longer than `interval` ({interval})")
