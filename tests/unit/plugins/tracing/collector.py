"""A collector for OTLP over HTTP: takes spans as a real one does, or is as unhelpful as a test wants it."""

import gzip
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PATIENCE_SECONDS = 20.0
TAKEN = ExportTraceServiceResponse().SerializeToString()


@dataclass
class Span:
    """What arrived of one span; ids in hex, times in nanoseconds."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    state: str
    flags: int
    start: int
    end: int
    failed: bool
    attributes: dict[str, Any]
    resource: dict[str, Any]


class Collector:
    """Listens on a port of its own until the `with` is left. `answers` are given in turn, the last one from then on."""

    def __init__(self, *answers: "Answer", tls: ssl.SSLContext | None = None) -> None:
        self.spans: list[Span] = []
        self.headers: list[dict[str, str]] = []
        self.asked = 0
        self._answers = list(answers) or [Answer()]
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def arrived(self, count: int) -> list[Span]:
        """All spans, once so many are there."""
        self._until(lambda: len(self.spans) >= count, f"{count} spans should arrive")
        return self.spans

    def tried(self, count: int) -> None:
        """Wait until it was asked so often."""
        self._until(lambda: self.asked >= count, f"the collector should be asked {count} times")

    def _until(self, reached: Callable[[], bool], what: str) -> None:
        with self._changed:
            assert self._changed.wait_for(reached, PATIENCE_SECONDS), (
                f"{what}, not {len(self.spans)} / {self.asked}"
            )

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> "Answer":
        with self._changed:
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            self.asked += 1
            self.headers.append(headers)
            if answer.status == 200:
                assert path == "/v1/traces", path
                assert headers["content-type"] == "application/x-protobuf"
                self.spans += spans_of(gzip.decompress(body))
            self._changed.notify_all()
        return answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = collector._take(self.path, headers, body)
                answer.wait.wait(PATIENCE_SECONDS)
                self.send_response(answer.status)
                self.send_header("content-length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def _open() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class Answer:
    """What a collector says to one batch, once `wait` is set."""

    status: int = 200
    body: bytes = TAKEN
    headers: dict[str, str] = field(default_factory=dict)
    wait: threading.Event = field(default_factory=_open)


def spans_of(message: bytes) -> list[Span]:
    """Decode what an exporter sends."""
    return [
        Span(
            name=span.name,
            kind=span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            state=span.trace_state,
            flags=span.flags,
            start=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            failed=span.status.code == span.status.STATUS_CODE_ERROR,
            attributes=_values(span.attributes),
            resource=_values(group.resource.attributes),
        )
        for group in ExportTraceServiceRequest.FromString(message).resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
