"""Decides about each failure whether there is another try; the core makes it, at another endpoint where there is one."""

from __future__ import annotations

from flatproxy import Counter, Exchange, Failure, Filter, Host, Retry
from flatproxy.plugins.retry.options import RetryOptions
from flatproxy.plugins.retry.patience import asked_for, back_off

# The flags of docs/flags.md that each word of `failures` means.
KINDS = {
    "connect": ("CONNECT", "CONNECT_TIMEOUT", "UPSTREAM_TLS"),
    "reset": ("UPSTREAM_RESET", "UPSTREAM_PROTOCOL"),
    "timeout": ("ATTEMPT_TIMEOUT", "UPSTREAM_STALL"),
}


class RetryFailed(Filter):
    """Sends failed requests again, elsewhere first, within a budget. Requests that go well never meet it."""

    name = "retry"
    Options = RetryOptions
    options: RetryOptions
    _retries: Counter
    _given_up: Counter

    def __init__(self, options: RetryOptions) -> None:
        super().__init__(options)
        self.failure_statuses = options.statuses
        self.attempt_timeout = options.timeout.total_seconds() if options.timeout else None
        self.hedge_after = options.hedge_after.total_seconds() if options.hedge_after else None
        self._reasons = {flag: kind for kind in options.failures for flag in KINDS[kind]} | {
            "": "status",
            "SLOW": "slow",
        }
        self._also = {method.upper() for method in options.also}

    def open(self, host: Host) -> None:
        """Declare the metrics."""
        self._retries = host.metrics.counter(
            "retries_total",
            "Further tries, by what had failed: connect, reset, timeout, status, slow.",
            ("reason",),
        )
        self._given_up = host.metrics.counter(
            "given_up_total",
            "Failures that were not tried again: attempts, unsafe, too_late, budget, retry_after.",
            ("why",),
        )

    def on_failure(self, exchange: Exchange, failure: Failure) -> Retry | None:
        """Say whether, and when, to try again."""
        reason = self._reasons.get(failure.flag)
        if reason is None or (reason == "status" and failure.status not in self.failure_statuses):
            return None
        wait = self._wait(exchange, failure)
        if why := self._refusal(exchange, failure, wait):
            self._given_up.add(why=why)
            return None
        self._retries.add(reason=reason)
        return Retry(wait)

    def _wait(self, exchange: Exchange, failure: Failure) -> float:
        if failure.flag == "SLOW":
            return 0.0
        asked = None if failure.flag else asked_for(exchange.reply.headers.get("retry-after"))
        return back_off(self.options.back_off, exchange.attempt.number) if asked is None else asked

    def _refusal(self, exchange: Exchange, failure: Failure, wait: float) -> str:
        """Say in a word what speaks against another try; empty: nothing."""
        options = self.options
        if exchange.attempt.number >= options.attempts:
            return "attempts"
        if not failure.safe and exchange.request.method not in self._also:
            return "unsafe"
        if not failure.replayable:
            return "too_late"
        if not failure.flag and wait > options.retry_after.total_seconds():
            return "retry_after"
        # This request may be counted already, if it was tried again before.
        others = failure.retrying - (exchange.attempt.number > 1)
        if others >= max(options.budget.least, options.budget.share * failure.active / 100):
            return "budget"
        return ""
