"""Asks the rules, answers the client, and tells log and metrics which rule it was. Decides nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy import Close, Counter, Exchange, Filter, Host, Respond
from flatproxy.plugins.policy.jwks import KeySource
from flatproxy.plugins.policy.options import PolicyOptions
from flatproxy.plugins.policy.rules import Decision, Rules
from flatproxy.plugins.policy.tokens import TokenReader

if TYPE_CHECKING:
    from flatproxy import CounterSeries


class Policy(Filter):
    """Lets in what an `allow` rule names and no `deny` rule does; all else is refused."""

    name = "policy"
    Options = PolicyOptions
    options: PolicyOptions
    _decisions: Counter
    _allowed: dict[str, CounterSeries]

    def __init__(self, options: PolicyOptions) -> None:
        super().__init__(options)
        self._keys = KeySource(options.jwt) if options.jwt else None
        reader = TokenReader(options.jwt, self._keys) if options.jwt and self._keys else None
        self._rules = Rules(options, reader)
        self._logs_all = options.log == "all"
        self._at_connect = options.when == "connect"
        # One crossing for each connection, or one for each request: never both.
        self.phases = frozenset({"on_connect" if self._at_connect else "on_request"})

    def open(self, host: Host) -> None:
        """Declare the metrics and get the keys. Raises ValueError or OSError for a file of keys that is not good."""
        self._decisions = host.metrics.counter(
            "decisions_total",
            "Requests by the rule that decided: allow, refuse, would_refuse.",
            ("rule", "decision"),
        )
        # What lets in is asked for every request; what refuses has a line to log anyway.
        self._allowed = {
            rule: self._decisions.labelled(rule=rule, decision="allow")
            for rule, _ in self.options.named("allow")
        }
        if self._keys:
            self._keys.open(host)

    def close(self) -> None:
        """End the thread that keeps the keys fresh."""
        if self._keys:
            self._keys.close()

    def on_connect(self, exchange: Exchange) -> Close | None:
        """Cut off whom the deciding rule refuses."""
        return None if self.on_request(exchange) is None else Close()

    def on_request(self, exchange: Exchange) -> Respond | None:
        """Answer with what the deciding rule says."""
        decision = self._rules.decide(exchange)
        if decision.answer is None:
            self._allowed[decision.rule].add()
            if self._logs_all:
                self._log(exchange, "allow", decision)
            return None
        word = "would_refuse" if self.options.dry_run else "refuse"
        self._decisions.add(rule=decision.rule, decision=word)
        self._log(exchange, word, decision)
        return None if self.options.dry_run else decision.answer

    def _log(self, exchange: Exchange, word: str, decision: Decision) -> None:
        peer = exchange.peer
        why = {"why": decision.why} if decision.why else {}
        exchange.log.info(
            word,
            rule=decision.rule,
            **why,
            peer=peer.identity,
            address=peer.address,
            **({} if self._at_connect else _asked(exchange)),
        )


def _asked(exchange: Exchange) -> dict[str, str]:
    return {"method": exchange.request.method, "path": exchange.request.path}
