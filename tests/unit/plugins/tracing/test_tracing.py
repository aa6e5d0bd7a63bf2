"""The filter on the chain: what the upstream is told, what a span says, and which phases it costs."""

import re
import time

import pytest

from flatproxy import Filter, Respond, Retry
from flatproxy.api.testing import Fails, Peer, Reply, Request, drive
from flatproxy.plugins.tracing.filter import Tracing
from flatproxy.plugins.tracing.options import TracingOptions
from tests.unit.plugins.tracing.collector import Collector

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-(0[0-3])")
SINGLE = {"b3": f"{TRACE}-{SPAN}-1"}


def caller(flags="01", **more):
    return Request(headers={"traceparent": f"00-{TRACE}-{SPAN}-{flags}", **more})


def told(done, number=-1):
    """Trace id, span id and flags in the `traceparent` that an upstream got."""
    values = done.attempts[number].values("traceparent")
    assert len(values) == 1, f"the upstream should get one traceparent, not {values}"
    match = PARENT.fullmatch(values[0])
    assert match, f"the upstream should get a good traceparent, not {values[0]}"
    return match.groups()


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


def tracing(collector, **options):
    """The filter, which sends every span to that collector."""
    return Tracing(
        TracingOptions.model_validate({"endpoint": collector.endpoint, "sampling": "always", **options})
    )


class Logs(Filter):
    name = "logs"

    def on_request(self, exchange):
        exchange.log.info("seen", trace_id=exchange.trace_id)


# === what the upstream is told ===


def test_a_request_without_a_trace_gets_one():
    done = drive(Tracing, Logs, options=None)
    trace_id, span_id, flags = told(done)
    assert trace_id.strip("0")
    assert span_id.strip("0")
    assert int(flags, 16) & 2, "the id is random"
    assert done.log[0].fields == {"trace_id": trace_id}, (
        "the log should have the trace that the upstream is told"
    )
    assert told(drive(Tracing))[0] != trace_id


@pytest.mark.parametrize("flags", ["00", "01", "02", "03"])
def test_who_adds_no_span_passes_the_callers_context_on_as_it_is(flags):
    done = drive(Tracing, Logs, request=caller(flags, tracestate="a=1,not=valid="))
    assert told(done) == (TRACE, SPAN, flags)
    assert done.attempts[0].values("tracestate") == ["a=1,not=valid="]
    assert done.log[0].fields == {"trace_id": TRACE}


def test_a_caller_of_a_later_version_is_told_on_in_ours():
    request = Request(headers={"traceparent": f"cc-{TRACE}-{SPAN}-01-more"})
    assert told(drive(Tracing, request=request)) == (TRACE, SPAN, "01")


@pytest.mark.parametrize(
    "bad",
    [
        [f"00-{TRACE}-{SPAN}-01"] * 2,
        [f"ff-{TRACE}-{SPAN}-01"],
        [f"00-{TRACE.upper()}-{SPAN}-01"],
        [b"\xff" * 55],
        [f"00-{TRACE}-{SPAN}-01-x"],
    ],
)
def test_a_caller_that_breaks_the_rules_gets_a_new_trace_and_loses_its_notes(bad):
    request = Request(headers=[("tracestate", "a=1"), *(("traceparent", value) for value in bad)])
    done = drive(Tracing, request=request)
    assert told(done)[0] not in (TRACE, TRACE.upper())
    assert done.attempts[0].values("tracestate") == []


@pytest.mark.parametrize(("sampling", "before", "after"), [("never", "01", "00"), ("always", "00", "01")])
def test_who_decides_otherwise_than_the_caller_says_so_with_a_span_id_of_its_own(sampling, before, after):
    trace_id, span_id, flags = told(drive(Tracing, options={"sampling": sampling}, request=caller(before)))
    assert (trace_id, flags) == (TRACE, after)
    assert span_id != SPAN


def test_all_formats_are_written_and_the_first_that_is_good_is_read():
    options = {"propagate": ["b3", "w3c", "b3multi"]}
    request = Request(headers={**SINGLE, "traceparent": f"00-{TRACE[::-1]}-{SPAN}-00", "tracestate": "a=1"})
    sent = drive(Tracing, options=options, request=request).attempts[0]
    assert sent.header("traceparent") == f"00-{TRACE}-{SPAN}-01"
    assert sent.header("tracestate") is None, "it belongs to the trace that was not taken"
    assert sent.header("b3") == f"{TRACE}-{SPAN}-1"
    assert (sent.header("x-b3-traceid"), sent.header("x-b3-spanid")) == (TRACE, SPAN)
    assert sent.header("x-b3-sampled") == "1"
    bad = Request(headers={"b3": "x", "traceparent": f"00-{TRACE}-{SPAN}-00"})
    assert told(drive(Tracing, options=options, request=bad)) == (TRACE, SPAN, "00")


def test_formats_that_are_not_listed_are_left_alone():
    sent = drive(Tracing, request=Request(headers=SINGLE)).attempts[0]
    assert sent.header("b3") == SINGLE["b3"]
    assert TRACE not in sent.header("traceparent")


@pytest.mark.parametrize(("decision", "flags"), [("0", "02"), ("1", "03"), ("d", "03")])
def test_a_decision_alone_holds_for_the_trace_that_begins(decision, flags):
    options = {"propagate": ["w3c", "b3"], "sampling": {"parent": "50%"}}
    done = drive(Tracing, options=options, request=Request(headers={"b3": decision}))
    trace_id, span_id, written = told(done)
    assert written == flags
    assert done.attempts[0].header("b3") == f"{trace_id}-{span_id}-{decision}"


def test_whoever_leaves_the_decision_to_us_is_told_of_it():
    request = Request(headers={"b3": f"{TRACE}-{SPAN}"})
    options = {"propagate": ["b3"], "sampling": {"parent": "never"}}
    assert drive(Tracing, options=options, request=request).attempts[0].header("b3") == f"{TRACE}-{SPAN}-0"


# === what a span says ===


def test_a_recorded_request_has_a_span_between_the_caller_and_the_upstream(collector):
    began = time.time_ns()
    done = drive(
        tracing(
            collector,
            service="edge",
            resource={"deployment.environment.name": "test"},
            sampling={"parent": "1%"},
        ),
        Logs(None),
        request=Request(
            "/v1/orders",
            "POST",
            {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=1,b=2", "user-agent": "curl/8"},
            b"four",
            "orders.demo:8080",
            "token=secret",
        ),
        peer=Peer("spiffe://demo.mesh/cart", "192.0.2.7", 4711),
        upstream=Reply(201, body="hello"),
    )
    (span,) = collector.spans
    assert (span.trace_id, span.parent_id) == (TRACE, SPAN)
    assert told(done) == (TRACE, span.span_id, "01"), "the upstream's parent should be our span"
    assert done.attempts[0].values("tracestate") == ["a=1,b=2"]
    assert (span.name, span.kind, span.state, span.failed) == ("POST test", "SERVER", "a=1,b=2", False)
    assert began < span.end < time.time_ns()
    assert 0 <= span.end - span.start < time.time_ns() - began
    assert span.resource["service.name"] == "edge"
    assert span.resource["deployment.environment.name"] == "test"
    assert 0 < span.attributes.pop("flatproxy.filter.logs.seconds") < 1
    assert span.attributes == {
        "http.request.method": "POST",
        "url.path": "/v1/orders",
        "url.scheme": "https",
        "server.address": "orders.demo",
        "server.port": 8080,
        "client.address": "192.0.2.7",
        "client.port": 4711,
        "user_agent.original": "curl/8",
        "http.request.body.size": 4,
        "http.response.body.size": 5,
        "http.response.status_code": 201,
        "flatproxy.route": "test",
        "flatproxy.upstream": "test",
        "flatproxy.endpoint": "127.0.0.1:80",
        "flatproxy.peer": "spiffe://demo.mesh/cart",
        "flatproxy.attempts": 1,
    }, "and no query: it may hold secrets"


def test_notes_that_break_the_rules_are_not_recorded_and_not_passed_on(collector):
    done = drive(Tracing, options={"endpoint": collector.endpoint}, request=caller(tracestate="a=1,a=2"))
    assert collector.spans[0].state == ""
    assert done.attempts[0].values("tracestate") == []


def recorded(collector, *others, options=None, **script):
    done = drive(tracing(collector, **(options or {})), *others, **script)
    return done, collector.spans


def test_a_trace_that_begins_here_has_no_parent(collector):
    done, (span,) = recorded(collector)
    assert span.parent_id == ""
    assert told(done) == (span.trace_id, span.span_id, "03")


def test_what_is_not_sampled_leaves_no_span(collector):
    drive(Tracing, options={"endpoint": collector.endpoint}, request=caller("00"))
    assert collector.asked == 0


class Refuses(Filter):
    name = "refuses"

    def on_request(self, exchange):
        return Respond(403)


@pytest.mark.parametrize(
    ("script", "others", "status", "flag", "error"),
    [
        ({"upstream": Reply(404)}, (), 404, None, None),
        ({"upstream": Reply(503)}, (), 503, None, "503"),
        ({"upstream": Fails("CONNECT")}, (), 502, "CONNECT", "CONNECT"),
        ({}, (Refuses,), 403, "DENY", None),
    ],
)
def test_how_it_ended_is_in_the_span(collector, script, others, status, flag, error):
    _, (span,) = recorded(collector, *(one(None) for one in others), **script)
    assert span.attributes["http.response.status_code"] == status
    assert span.attributes.get("flatproxy.flag") == flag
    assert (span.attributes.get("error.type"), span.failed) == (error, error is not None)


def test_what_clients_invent_makes_no_new_names_of_spans(collector):
    agent = b"\xff" + b"a" * 5000
    _, (span,) = recorded(
        collector, request=Request(method="BREW", host="[::1]", headers={"user-agent": agent})
    )
    assert span.name == "HTTP test"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"
    assert span.attributes["server.address"] == "::1"
    assert "server.port" not in span.attributes
    assert span.attributes["user_agent.original"] == "?" + "a" * 1023


# === tries ===


class Retries(Filter):
    name = "retries"

    def on_failure(self, exchange, failure):
        return Retry()


def test_a_retry_is_seen_as_a_number_and_all_tries_have_the_span_above(collector):
    done, (span,) = recorded(collector, Retries(None), upstream=[Fails("CONNECT"), Reply()])
    assert span.attributes["flatproxy.attempts"] == 2
    assert {told(done, 0), told(done, 1)} == {(span.trace_id, span.span_id, "03")}


def test_every_try_has_its_own_span_where_the_options_say_so(collector):
    done, spans = recorded(
        collector,
        Retries(None),
        upstream=[Fails("CONNECT"), Reply(404)],
        options={"attempts": True, "propagate": ["w3c", "b3"]},
    )
    server, first, second = spans
    assert [span.kind for span in spans] == ["SERVER", "CLIENT", "CLIENT"]
    assert {first.parent_id, second.parent_id} == {server.span_id}
    assert [told(done, number)[1] for number in (0, 1)] == [first.span_id, second.span_id]
    assert done.attempts[1].header("b3") == f"{server.trace_id}-{second.span_id}-1-{server.span_id}"
    assert (first.attributes["flatproxy.flag"], first.failed) == ("CONNECT", True)
    assert (second.attributes["http.response.status_code"], second.failed) == (404, True)
    assert not server.failed, "for who answers, a 404 is none of its errors"
    assert second.attributes["http.request.resend_count"] == 1
    assert (second.attributes["server.address"], second.attributes["server.port"]) == ("127.0.0.1", 80)
    assert server.start <= first.start <= first.end <= second.start <= second.end <= server.end


@pytest.mark.parametrize(
    ("options", "phases"),
    [
        ({}, {"on_request"}),
        ({"attempts": True}, {"on_request"}),
        ({"endpoint": "http://a"}, {"on_request", "on_done"}),
        ({"endpoint": "http://a", "attempts": True}, {"on_request", "on_done", "on_attempt", "on_failure"}),
    ],
)
def test_only_the_phases_are_entered_that_the_options_need(options, phases):
    assert Tracing(TracingOptions.model_validate(options)).phases == phases
