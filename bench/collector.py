"""A collector of traces, on the service's core: takes spans by OTLP over HTTP and counts them, so that nobody is believed to export.

    python -m bench.collector 127.0.0.1:4318

`GET /` answers with the number of spans so far.
"""

import gzip
import itertools
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector(ThreadingHTTPServer):
    """Counts."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), Handler)
        self.spans = 0
        self.lock = threading.Lock()

    def take(self, batch: bytes) -> None:
        """Count the spans of an encoded ExportTraceServiceRequest."""
        request = ExportTraceServiceRequest.FromString(batch)
        scopes = itertools.chain.from_iterable(resource.scope_spans for resource in request.resource_spans)
        count = sum(len(scope.spans) for scope in scopes)
        with self.lock:
            self.spans += count


class Handler(BaseHTTPRequestHandler):
    """One connection, kept."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Collector

    def do_POST(self) -> None:
        """Take a batch. An empty answer is an ExportTraceServiceResponse that rejects nothing."""
        body = b"".join(self._pieces())
        self.server.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
        self._answer("application/x-protobuf", b"")

    def do_GET(self) -> None:
        """Tell the number."""
        self._answer("text/plain", str(self.server.spans).encode())

    def _pieces(self) -> Iterator[bytes]:
        """The body. Envoy sends it in chunks (RFC 9112 section 7.1), which http.server leaves to us."""
        if "transfer-encoding" not in self.headers:
            yield self.rfile.read(int(self.headers["content-length"]))
            return
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: one line for each batch would be work."""


def spans(address: str) -> int:
    """Ask the collector at this address how many it has got."""
    with urllib.request.urlopen(f"http://{address}/", timeout=10) as response:
        return int(response.read())


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    Collector(host, int(port)).serve_forever()
