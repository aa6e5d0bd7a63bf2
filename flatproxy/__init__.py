"""FlatProxy: a service-mesh proxy at the entrance of the node.

What the author of a filter imports is here: `from flatproxy import Exchange, Filter, Options, Respond, hookimpl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flatproxy.api.errors import ContractError
    from flatproxy.api.exchange import Attempt, Exchange, Failure, Headers, Peer, Reply, Request, Response
    from flatproxy.api.filter import Filter, Options
    from flatproxy.api.hookspecs import hookimpl
    from flatproxy.api.host import (
        Counter,
        CounterSeries,
        Gauge,
        GaugeSeries,
        Histogram,
        HistogramSeries,
        Host,
        Log,
        Metrics,
    )
    from flatproxy.api.phases import PHASES
    from flatproxy.api.verdict import Close, Respond, Retry

__all__ = [
    "PHASES",
    "Attempt",
    "Close",
    "ContractError",
    "Counter",
    "CounterSeries",
    "Exchange",
    "Failure",
    "Filter",
    "Gauge",
    "GaugeSeries",
    "Headers",
    "Histogram",
    "HistogramSeries",
    "Host",
    "Log",
    "Metrics",
    "Options",
    "Peer",
    "Reply",
    "Request",
    "Respond",
    "Response",
    "Retry",
    "hookimpl",
]

# Imported when it is asked for: `flatproxy version` needs none of it, and pydantic takes 0.1 s to load.
_MODULES = {
    "errors": ("ContractError",),
    "exchange": ("Attempt", "Exchange", "Failure", "Headers", "Peer", "Reply", "Request", "Response"),
    "filter": ("Filter", "Options"),
    "hookspecs": ("hookimpl",),
    "host": (
        "Counter",
        "CounterSeries",
        "Gauge",
        "GaugeSeries",
        "Histogram",
        "HistogramSeries",
        "Host",
        "Log",
        "Metrics",
    ),
    "phases": ("PHASES",),
    "verdict": ("Close", "Respond", "Retry"),
}


def __getattr__(name: str) -> Any:
    """Import a part of the contract on its first use (PEP 562)."""
    for module, names in _MODULES.items():
        if name in names:
            from importlib import import_module

            value = getattr(import_module(f"flatproxy.api.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'flatproxy' has no attribute '{name}'")
