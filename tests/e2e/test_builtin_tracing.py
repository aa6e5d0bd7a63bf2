"""The filter `tracing` on a route: what services, logs and a collector learn of a request, over real sockets."""

import signal
import threading

import pytest

from tests.e2e.stand.client import Client, Neighbour
from tests.e2e.stand.deployment import listener, route, until, upstream
from tests.e2e.stand.service import response
from tests.unit.plugins.tracing.collector import Answer, Collector

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = f"traceparent: 00-{TRACE}-{SPAN}-01"
EXPORTED = "flatproxy_filter_tracing_spans_exported_total"
DROPPED = "flatproxy_filter_tracing_spans_dropped_total"

SPEAKS = """
from flatproxy import Filter, hookimpl


class Speaks(Filter):
    name = "speaks"

    def on_request(self, exchange):
        exchange.log.info("seen")


@hookimpl
def register_filters():
    return [Speaks]
"""


@pytest.fixture
def traced(deploy, service, tmp_path):
    """Starts a FlatProxy that traces what it sends to the service, with other filters after that."""
    (tmp_path / "speaks.py").write_text(SPEAKS)

    def begin(options, *others, **more):
        filters = [{"use": "tracing", "options": {"interval": "50ms", **options}}, *others]
        return deploy(
            listeners=[listener(route(filters=filters, **more))], upstreams=[upstream(service.address)]
        )

    return begin


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


def ask(proxy, *lines, path="/"):
    with Client(proxy.address()) as client:
        return client.get(path, *lines)


def trace_of(line):
    return line["trace_id"]


def test_service_log_lines_and_span_tell_the_same_story(traced, service, collector):
    proxy = traced({"endpoint": collector.endpoint}, {"use": "./speaks.py"})
    assert ask(proxy, CALLER, "tracestate: vendor=1", path="/v1/orders?token=secret").status == 200
    (span,) = collector.arrived(1)
    (sent,) = service.requests
    assert (span.trace_id, span.parent_id, span.state) == (TRACE, SPAN, "vendor=1")
    assert sent.values("traceparent") == [f"00-{TRACE}-{span.span_id}-01"]
    assert sent.values("tracestate") == ["vendor=1"]
    (line,) = until(proxy.exchanges, "the exchange should be in the access log")
    assert trace_of(line) == TRACE
    assert trace_of(proxy.program.event("filter", filter="speaks")) == TRACE
    assert span.attributes["http.response.status_code"] == line["status"] == 200
    assert span.attributes["flatproxy.route"] == line["route"] == "all"
    assert span.attributes["flatproxy.endpoint"] == line["endpoint"] == service.address
    assert span.attributes["url.path"] == "/v1/orders"
    assert 0 < span.attributes["flatproxy.filter.speaks.seconds"] < 1
    assert span.end - span.start == pytest.approx(line["total_us"] * 1000, abs=50_000_000)
    assert proxy.metric(EXPORTED) == 1


def test_without_a_collector_traces_are_passed_on_and_logged(traced, service):
    proxy = traced({"propagate": ["w3c", "b3"]})
    assert ask(proxy).status == 200
    (line,) = until(proxy.exchanges, "the exchange should be in the access log")
    (sent,) = service.requests
    trace_id, span_id = sent.values("traceparent")[0].split("-")[1:3]
    assert trace_of(line) == trace_id
    assert sent.values("b3")[0].startswith(f"{trace_id}-{span_id}-")


def test_a_refused_request_and_one_that_finds_nobody_have_their_spans(deploy, collector, free_port):
    options = {"endpoint": collector.endpoint, "sampling": "always", "interval": "50ms", "attempts": True}
    tracing = {"use": "tracing", "options": options}
    policy = {"use": "policy", "options": {"allow": [{"methods": ["GET"]}]}}
    proxy = deploy(
        listeners=[listener(route(filters=[tracing, policy]))], upstreams=[upstream(f"127.0.0.1:{free_port}")]
    )
    with Client(proxy.address()) as client:
        assert client.get("/", method="POST").status == 403
        assert client.get("/").status == 502
    spans = collector.arrived(3)
    (attempt,) = (span for span in spans if span.kind == "CLIENT")
    refused, failed = (span for span in spans if span.kind == "SERVER")
    assert (refused.attributes["flatproxy.flag"], refused.failed) == ("DENY", False)
    assert proxy.program.event("filter", filter="policy")["trace_id"] == refused.trace_id
    assert (failed.attributes["error.type"], failed.attributes["flatproxy.attempts"]) == ("CONNECT", 1)
    assert (attempt.parent_id, attempt.attributes["error.type"]) == (failed.span_id, "CONNECT")


def test_each_try_of_a_retry_is_told_its_own_span(deploy, serve, collector):
    answers = [response(b"", "503 Service Unavailable"), response()]

    async def recover(conversation):
        while await conversation.request():
            await conversation.send(answers.pop(0))

    service = serve(recover)
    tracing = {
        "use": "tracing",
        "options": {
            "endpoint": collector.endpoint,
            "sampling": "always",
            "interval": "50ms",
            "attempts": True,
        },
    }
    retry = {"use": "retry", "options": {"statuses": [503], "back_off": {"base": "1ms"}}}
    proxy = deploy(
        listeners=[listener(route(filters=[tracing, retry]))], upstreams=[upstream(service.address)]
    )
    assert ask(proxy).status == 200
    spans = collector.arrived(3)
    (server,) = (span for span in spans if span.kind == "SERVER")
    first, second = (span for span in spans if span.kind == "CLIENT")
    told = [request.values("traceparent")[0].split("-")[2] for request in service.requests]
    assert told == [first.span_id, second.span_id]
    assert {first.parent_id, second.parent_id} == {server.span_id}
    assert [span.attributes["http.response.status_code"] for span in (first, second, server)] == [
        503,
        200,
        200,
    ]
    assert [span.failed for span in (first, second, server)] == [True, False, False]
    assert server.attributes["flatproxy.attempts"] == 2


def test_routes_that_say_the_same_share_one_export(deploy, service, collector):
    options = {"endpoint": collector.endpoint, "sampling": "always", "interval": "1h", "batch": 2}
    tracing = {"use": "tracing", "options": options}
    routes = [
        route("a", match={"path": {"prefix": "/a"}}, filters=[tracing]),
        route("b", filters=[tracing]),
    ]
    proxy = deploy(listeners=[listener(*routes)], upstreams=[upstream(service.address)])
    assert ask(proxy, path="/a").status == ask(proxy, path="/b").status == 200
    assert {span.attributes["flatproxy.route"] for span in collector.arrived(2)} == {"a", "b"}
    assert collector.asked == 1, "both should be in one batch"


@pytest.fixture(params=["down", "hangs"])
def no_help(request, free_port):
    """Where a collector should be."""
    if request.param == "down":
        yield f"http://127.0.0.1:{free_port}"
        return
    hangs = Answer(wait=threading.Event())
    with Collector(hangs) as collector:
        yield collector.endpoint
        hangs.wait.set()


def test_traffic_does_not_notice_a_collector_that_is_of_no_help(traced, no_help):
    options = {"endpoint": no_help, "sampling": "always", "queue": 8, "batch": 4, "timeout": "500ms"}
    proxy = traced(options)
    with Neighbour(proxy.address(), pause=0.002):
        until(lambda: proxy.metric(DROPPED, reason="queue_full") > 0, "the queue should be full")
        until(lambda: proxy.metric(DROPPED, reason="export_failed") > 0, "a batch should be given up")
    assert proxy.program.event("filter", filter="tracing")["message"] == "spans are lost"
    assert proxy.metric(EXPORTED) == 0


def test_the_end_of_the_proxy_sends_what_waits(traced, collector):
    proxy = traced({"endpoint": collector.endpoint, "sampling": "always", "interval": "1h"})
    for _ in range(3):
        assert ask(proxy).status == 200
    assert collector.asked == 0, "they wait for more"
    proxy.program.process.send_signal(signal.SIGTERM)
    assert len(collector.arrived(3)) == 3


def test_a_secret_for_the_collector_is_in_no_log(traced, collector, tmp_path):
    (tmp_path / "token").write_text("Bearer t0k3n\n")
    headers = {"authorization": {"file": "token"}, "x-key": "s3cr3t"}
    proxy = traced({"endpoint": collector.endpoint, "sampling": "always", "headers": headers})
    assert ask(proxy).status == 200
    collector.arrived(1)
    assert (collector.headers[0]["authorization"], collector.headers[0]["x-key"]) == (
        "Bearer t0k3n",
        "s3cr3t",
    )
    seen = "".join(proxy.program.lines) + proxy.access_log.read_text() + str(proxy.status())
    assert "s3cr3t" not in seen
    assert "t0k3n" not in seen
