"""The collector counts spans, however they are framed and packed."""

import gzip
import threading

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.collector import Collector, spans


@pytest.fixture
def collector():
    with Collector("127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def batch(count):
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(count):
        scope.spans.add(name=str(number))
    return request.SerializeToString()


def test_spans_are_counted_in_one_piece_in_chunks_and_packed(collector):
    with httpx.Client(base_url=f"http://{collector}", trust_env=False) as client:
        client.post("/v1/traces", content=batch(3)).raise_for_status()
        client.post("/v1/traces", content=iter([batch(4)[:5], batch(4)[5:]])).raise_for_status()
        packed = gzip.compress(batch(5))
        client.post("/v1/traces", content=packed, headers={"content-encoding": "gzip"}).raise_for_status()
    assert spans(collector) == 12
