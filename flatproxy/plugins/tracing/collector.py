"""One batch of spans to the collector, by OpenTelemetry's exporter, and what came of it. For the exporting thread alone."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import requests
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from requests.adapters import HTTPAdapter

from flatproxy.plugins.tracing.options import checked_header
from flatproxy.plugins.tracing.spans import SpanMaker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flatproxy.plugins.tracing.options import HeaderValue, TracingOptions
    from flatproxy.plugins.tracing.recording import Recording

LARGEST_ANSWER = 1 << 16  # bytes; what is longer is no answer of a collector
LONGEST_REASON = 300  # characters
# Several times what a span takes: data threads find the interpreter free more often than not.
BREATH_SECONDS = 0.000_2

# It would write to stderr, past our log, whenever a batch fails; we say so ourselves, and less often.
for _name in ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.trace.span"):
    logging.getLogger(_name).propagate = False
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Outcome(NamedTuple):
    """What became of a batch."""

    taken: bool
    rejected: int = 0
    """Spans that the collector did not want, of a batch that it took."""
    why: str = ""


class Collector:
    """Sends batches. Raises OSError or ValueError where a file is missing or not good."""

    def __init__(self, options: TracingOptions, endpoint: str) -> None:
        if options.ca is not None:
            ssl.create_default_context(cafile=options.ca)
        self._maker = SpanMaker(options)
        self._wire = Wire()
        session = requests.Session()
        # Proxies and passwords come from the options, not from the environment and ~/.netrc.
        session.trust_env = False
        session.auth = Headers(options.headers)
        # `Wire` reads what is answered: so much, and no more.
        session.stream = True
        session.mount("http://", self._wire)
        session.mount("https://", self._wire)
        self._exporter = OTLPSpanExporter(
            endpoint=endpoint,
            certificate_file=str(options.ca) if options.ca else None,
            timeout=options.timeout.total_seconds(),
            compression=Compression.Gzip,
            session=session,
        )

    def export(self, recordings: list[Recording]) -> Outcome:
        """Send a batch, again where that may help, until it is taken or time is up."""
        self._wire.forget()
        result = self._exporter.export(Unhurried(recordings, self._maker))
        # The exporter takes a redirection, which it does not follow, for a success.
        if result is not SpanExportResult.SUCCESS or not 200 <= self._wire.status < 300:
            return Outcome(taken=False, why=self._wire.why or "the batch cannot be sent")
        return Outcome(taken=True, rejected=_rejected(self._wire.answer))

    def close(self) -> None:
        """Give up what is tried again, and the connections."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


class Unhurried(Sequence[ReadableSpan]):
    """The spans of recordings, made one by one as the exporter encodes them, with a breath after each.

    Making and encoding a span takes as long as several requests do. In one go, a batch would make every data thread wait
    for as long as the interpreter lets a thread run on, 5 ms: docs/decisions/spans-are-made-later.md.
    """

    def __init__(self, recordings: list[Recording], maker: SpanMaker) -> None:
        self._recordings = recordings
        self._maker = maker

    def __len__(self) -> int:
        """Return how many spans it will be."""
        return sum(recording.spans for recording in self._recordings)

    def __iter__(self) -> Iterator[ReadableSpan]:
        """Make them."""
        for recording in self._recordings:
            for span in self._maker.make(recording):
                yield span
                time.sleep(BREATH_SECONDS)

    @overload
    def __getitem__(self, index: int) -> ReadableSpan: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[ReadableSpan]: ...

    def __getitem__(self, index: int | slice) -> ReadableSpan | Sequence[ReadableSpan]:
        """Make all for the sake of one: nobody asks."""
        return list(self)[index]


class Wire(HTTPAdapter):
    """Writes down how each request went, and reads no endless answer."""

    def __init__(self) -> None:
        super().__init__()
        self.forget()

    def forget(self) -> None:
        """Begin anew, with the next batch."""
        self.status, self.answer, self.why = 0, b"", ""

    def send(self, request: requests.PreparedRequest, *rest: Any, **more: Any) -> requests.Response:
        """Send one request."""
        self.forget()
        try:
            response = super().send(request, *rest, **more)
            self.answer = response.raw.read(LARGEST_ANSWER, decode_content=True)
        except Exception as error:
            self.why = str(error)[:LONGEST_REASON]
            raise
        self.status = response.status_code
        self.why = f"answered with status {response.status_code}"
        if len(self.answer) == LARGEST_ANSWER:
            response.close()
        return response


class Headers(requests.auth.AuthBase):
    """The header fields that the collector asks for; those from files as the files are now."""

    def __init__(self, headers: Mapping[str, HeaderValue]) -> None:
        self._files = {name: header.file for name, header in headers.items() if header.file}
        self._values = {name: _read(file) for name, file in self._files.items()}
        self._values |= {
            name: header.value.get_secret_value() for name, header in headers.items() if header.value
        }

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Write them."""
        for name, file in self._files.items():
            try:
                self._values[name] = _read(file)
            except (OSError, ValueError):
                # Half written, perhaps: the old one may still be good, and the collector says so when it is not.
                continue
        request.headers.update(self._values)
        return request


def _read(file: Path) -> str:
    """Return the one line of a file. Raises OSError or ValueError, which do not tell it."""
    if file.stat().st_size > LARGEST_ANSWER:
        raise ValueError(f"{file} is too large to hold the value of a header")
    try:
        return checked_header(file.read_text("ascii").strip())
    except ValueError:
        raise ValueError(f"{file} must hold the value of a header: one line of visible ASCII") from None


def _rejected(answer: bytes) -> int:
    """Return how many spans the collector says it has dropped; an answer that makes no sense says none."""
    try:
        rejected: int = ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
    except DecodeError:
        return 0
    return max(0, rejected)
