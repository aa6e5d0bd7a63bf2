"""Metrics of what Python does: certificates, reloads, the process, filters. The core's own are in front of them."""

from collections.abc import Iterator

from flatproxy.core.filters.failures import FAILURES
from flatproxy.core.proxy import Proxy

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(proxy: Proxy) -> str:
    """All metrics in the Prometheus text format, version 0.0.4."""
    native = proxy.engine.metrics() if proxy.engine is not None else ""
    if native and not native.endswith("\n"):
        native += "\n"
    return (
        native + "".join(f"{line}\n" for line in _ours(proxy)) + FAILURES.metrics() + proxy.filters.metrics()
    )


def _ours(proxy: Proxy) -> Iterator[str]:
    yield from _metric(
        "process_start_time_seconds", "gauge", "When this proxy process started.", {"": proxy.started}
    )
    yield from _metric(
        "flatproxy_reloads_total",
        "counter",
        "Reloads of the configuration file, by result.",
        {f'{{result="{result}"}}': count for result, count in proxy.reloads.items()},
    )
    watch = proxy.watch
    if watch is None:
        return
    yield from _metric(
        "flatproxy_identity_not_after_timestamp_seconds",
        "gauge",
        "When our certificate expires.",
        {"": watch.identity.not_after.timestamp()},
    )
    yield from _metric(
        "flatproxy_identity_renewals_total", "counter", "Certificates taken up.", {"": watch.rotations}
    )
    yield from _metric(
        "flatproxy_identity_failing",
        "gauge",
        "1 while our certificate cannot be renewed; the log says why.",
        {"": int(watch.failing is not None)},
    )


def _metric(name: str, kind: str, text: str, samples: dict[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples.items():
        yield f"{name}{labels} {value:.15g}"
