"""Asks the service about each request, and does what it says. What there is to decide is in `answer` and `circuit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flatproxy import Exchange, Filter, Host, Respond
from flatproxy.plugins.ext_authz.answer import UNANSWERED, Answers, Decision, NoAnswerError
from flatproxy.plugins.ext_authz.circuit import Breaker
from flatproxy.plugins.ext_authz.memory import Memory
from flatproxy.plugins.ext_authz.options import ExtAuthzOptions
from flatproxy.plugins.ext_authz.question import Question, Questions
from flatproxy.plugins.ext_authz.service import Service

if TYPE_CHECKING:
    from flatproxy import CounterSeries, GaugeSeries, HistogramSeries

RESULTS = ("allowed", "remembered", "refused", "unanswered", "not_asked")


class ExtAuthz(Filter):
    """Lets a service of one's own decide about each request."""

    name = "ext_authz"
    Options = ExtAuthzOptions
    options: ExtAuthzOptions
    _checks: dict[str, CounterSeries]
    _seconds: HistogramSeries
    _open: GaugeSeries

    def __init__(self, options: ExtAuthzOptions) -> None:
        super().__init__(options)
        self._questions = Questions(options)
        self._answers = Answers(options)
        self._service = Service(options)
        self._breaker = Breaker(options.circuit)
        self._memory = Memory(options.cache.total_seconds()) if options.cache else None
        self._owned = frozenset(map(_spelling, options.upstream_headers))

    def open(self, host: Host) -> None:
        """Declare the metrics and read the certificates. Raises OSError or ValueError for those that are none."""
        checks = host.metrics.counter("checks_total", "Requests by what came of asking.", ("result",))
        self._checks = {result: checks.labelled(result=result) for result in RESULTS}
        self._seconds = host.metrics.histogram("check_seconds", "How long answers took.").labelled()
        self._open = host.metrics.gauge("circuit_open", "1: the service is left alone for now.").labelled()
        self._service.open()

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    async def on_request(self, exchange: Exchange) -> Respond | None:
        """Ask about it, unless it was just allowed, and tell the upstream what the service says of it."""
        # First of all and on every way out: nobody but the service speaks under these names.
        self._drop_what_is_not_the_clients(exchange)
        question = self._questions.about(exchange)
        try:
            decision = await self._decide(exchange, question)
        except NoAnswerError:
            return UNANSWERED if self.options.unanswered == "refuse" else None
        if decision.refusal is not None:
            self._log(exchange, decision.refusal)
        for name, value in decision.fields:
            exchange.request.headers.add(name.decode("ascii"), value)
        return decision.refusal

    # === the decision ===

    async def _decide(self, exchange: Exchange, question: Question) -> Decision:
        if self._memory is None:
            return await self._ask(question, exchange)
        digest = question.digest()
        known = self._memory.recall(digest, self.host.now())
        if known is not None:
            self._checks["remembered"].add()
            return known
        decision = await self._ask(question, exchange)
        if decision.refusal is None:
            self._memory.keep(digest, decision, self.host.now())
        return decision

    async def _ask(self, question: Question, exchange: Exchange) -> Decision:
        began = self.host.now()
        if not self._breaker.lets_ask(began):
            self._checks["not_asked"].add()
            raise NoAnswerError("the circuit is open")
        try:
            decision = self._answers.decide(await self._service.ask(question))
        except NoAnswerError as error:
            self._checks["unanswered"].add()
            exchange.log.warning("no answer", error=error)
            if self._breaker.failed(self.host.now()):
                self._open.set(1)
                seconds = self.options.circuit.pause.total_seconds()
                exchange.log.warning("the service is left alone", seconds=seconds)
            raise
        self._seconds.observe(self.host.now() - began)
        if self._breaker.answered():
            self._open.set(0)
            exchange.log.info("the service answers again")
        self._checks["allowed" if decision.refusal is None else "refused"].add()
        return decision

    # === what comes of it ===

    def _drop_what_is_not_the_clients(self, exchange: Exchange) -> None:
        if self._owned:
            headers = exchange.request.headers
            for name in {name for name in headers if _spelling(name) in self._owned}:
                headers.remove(name)

    def _log(self, exchange: Exchange, refusal: Respond) -> None:
        request, peer = exchange.request, exchange.peer
        exchange.log.info(
            "refuse",
            status=refusal.status,
            peer=peer.identity,
            address=peer.address,
            method=request.method,
            path=request.path,
        )


def _spelling(name: str) -> str:
    """`X_User` is `x-user` to whoever hands headers on as variables (RFC 3875 section 4.1.18)."""
    return name.lower().replace("_", "-")
