"""The way of a span out of the process: batches, a bounded queue, and a collector that is down, slow or rude."""

import datetime
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from flatproxy.plugins.tracing import export
from flatproxy.plugins.tracing.context import SAMPLED
from flatproxy.plugins.tracing.export import QUIET_SECONDS, Export, Trouble
from flatproxy.plugins.tracing.options import TracingOptions
from flatproxy.plugins.tracing.recording import Recording
from tests.unit.plugins.stand_ins import Told
from tests.unit.plugins.tracing.collector import Answer, Collector

VALUES = {
    "ended": 2 * 10**9, "now": 2.0, "duration": 0.5, "method": "GET", "host": "a", "path": "/", "agent": None, "address": "::1",
    "port": 1, "secure": False, "peer": None, "route": "all", "upstream": None, "flag": "", "attempts": 0, "endpoint": None,
    "status": 200, "received": 0, "sent": 0, "filters": {},
}  # fmt: skip


def recording(number=1):
    """A recorded exchange whose span has that id."""
    made = Recording(f"{number:032x}", f"{number:016x}", "", SAMPLED, (), 1.0)
    for name, value in VALUES.items():
        setattr(made, name, value)
    return made


class Exporting:
    """An export with what it has told."""

    def __init__(self, endpoint, **options):
        checked = TracingOptions.model_validate({"endpoint": endpoint, "interval": "20ms", **options})
        self.told = Told()
        self.export = Export(checked, checked.endpoint, self.told)

    def __enter__(self):
        self.export.open()
        return self

    def __exit__(self, *_):
        self.export.close()

    def take(self, *numbers):
        for number in numbers:
            self.export.take(recording(number))

    def counted(self):
        """What is in the metrics: spans taken, and lost by reason."""
        exported = self.told.counters["spans_exported_total"].amounts
        lost = self.told.counters["spans_dropped_total"].amounts
        return exported.get((), 0), {reason: count for (reason,), count in lost.items()}

    def said(self):
        return [line for line, _ in self.told.lines]


def ids(collector):
    return [int(span.span_id, 16) for span in collector.spans]


def test_a_full_batch_goes_at_once_and_the_rest_after_a_while():
    with Collector() as collector, Exporting(collector.endpoint, batch=2, interval="1h") as exporting:
        exporting.take(1)
        assert collector.asked == 0
        exporting.take(2)
        collector.arrived(2)
    with Collector() as collector, Exporting(collector.endpoint, batch=2, interval="20ms") as exporting:
        exporting.take(1)
        collector.arrived(1)


def test_the_end_sends_what_waits():
    with (
        Collector() as collector,
        Exporting(collector.endpoint, batch=3, queue=100, interval="1h") as exporting,
    ):
        exporting.take(1, 2)
        exporting.export.close()
        assert ids(collector) == [1, 2]
        assert exporting.counted() == (2, {})
        assert exporting.said() == []


def test_what_finds_the_queue_full_is_dropped_and_counted_without_waiting():
    slow = Answer(wait=threading.Event())
    with Collector(slow) as collector, Exporting(collector.endpoint, batch=1, queue=3) as exporting:
        exporting.take(1)
        collector.tried(1)
        exporting.take(*range(2, 12))
        assert exporting.counted() == (0, {"queue_full": 7}), "three wait, one is on its way"
        slow.wait.set()
        collector.arrived(4)
    assert ids(collector) == [1, 2, 3, 4]


def test_a_collector_that_hangs_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr(export, "CLOSE_SECONDS", 0.1)
    hangs = Answer(wait=threading.Event())
    with Collector(hangs) as collector, Exporting(collector.endpoint, batch=1) as exporting:
        exporting.take(1, 2, 3)
        collector.tried(1)
        exporting.export.close()
        assert exporting.counted() == (0, {"closed": 2})
        assert exporting.said() == ["spans are lost at the end"]
        hangs.wait.set()


def test_a_collector_that_is_down_loses_spans_and_says_so_once(free_port):
    with Exporting(f"http://127.0.0.1:{free_port}", timeout="50ms", batch=1) as exporting:
        exporting.take(1)
        until(lambda: exporting.counted()[1] == {"export_failed": 1})
        exporting.take(2)
        until(lambda: exporting.counted()[1] == {"export_failed": 2})
        assert exporting.said() == ["spans are lost"], "the second time should not be told so soon"
        assert "refused" in exporting.told.lines[0][1]["why"]


def until(reached):
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline, "it should have been counted"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(400),
        Answer(302, headers={"location": "/elsewhere"}),
        Answer(401, b"\xff" * 200_000),
    ],
)
def test_a_batch_that_is_refused_is_lost_and_the_next_is_tried(answer):
    with Collector(answer, Answer()) as collector, Exporting(collector.endpoint) as exporting:
        exporting.take(1)
        until(lambda: exporting.counted()[1] == {"export_failed": 1})
        exporting.take(2)
        assert [int(span.span_id, 16) for span in collector.arrived(1)] == [2]
        until(lambda: exporting.counted()[0] == 1)
        assert exporting.said() == ["spans are lost", "spans are taken again"]
        assert exporting.told.lines[0][1]["why"] == f"answered with status {answer.status}"


@pytest.mark.parametrize("status", [429, 503])
def test_a_collector_that_asks_for_patience_gets_the_batch_again(status):
    busy = Answer(status, headers={"retry-after": "0"})
    with Collector(busy, busy, Answer()) as collector, Exporting(collector.endpoint) as exporting:
        exporting.take(1)
        collector.arrived(1)
        assert collector.asked == 3
    assert exporting.counted() == (1, {})


def test_a_batch_is_not_tried_for_ever():
    busy = Answer(429, headers={"retry-after": "3600"})
    with Collector(busy) as collector, Exporting(collector.endpoint, timeout="1s") as exporting:
        exporting.take(1)
        until(lambda: exporting.counted() == (0, {"export_failed": 1}))


@pytest.mark.parametrize("body", [b"", b"no protobuf", b"\xff" * 1000, b"0" * 300_000])
def test_garbage_in_a_good_answer_is_nothing(body):
    with Collector(Answer(200, body)) as collector, Exporting(collector.endpoint, batch=1) as exporting:
        exporting.take(1, 2)
        collector.arrived(2)
    assert exporting.counted() == (2, {})


def test_spans_that_the_collector_does_not_want_are_counted():
    partly = ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=1))
    with Collector(Answer(200, partly.SerializeToString())) as collector:
        with Exporting(collector.endpoint) as exporting:
            exporting.take(1, 2, 3)
        assert exporting.counted() == (2, {"rejected": 1})


# === headers and certificates ===


def test_the_collector_gets_the_headers_it_asks_for_and_those_in_files_as_they_are_now(tmp_path):
    token = tmp_path / "token"
    token.write_text("first\n")
    headers = {"X-Tenant": "shop", "authorization": {"file": str(token)}}
    with Collector() as collector, Exporting(collector.endpoint, headers=headers, batch=1) as exporting:
        exporting.take(1)
        collector.arrived(1)
        token.write_text("second\n")
        exporting.take(2)
        collector.arrived(2)
        token.unlink()
        exporting.take(3)
        collector.arrived(3)
    assert [one["authorization"] for one in collector.headers] == ["first", "second", "second"]
    assert {one["x-tenant"] for one in collector.headers} == {"shop"}


@pytest.mark.parametrize("text", [None, "", "two\nlines", "s3cr3t\x00", "s3cr3té"])
def test_a_file_that_holds_no_header_refuses_the_plan_and_is_not_told(tmp_path, text):
    if text is not None:
        (tmp_path / "token").write_text(text)
    with pytest.raises((OSError, ValueError)) as caught:
        Exporting("http://127.0.0.1:1", headers={"authorization": {"file": str(tmp_path / "token")}})
    assert "token" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_neither_proxies_nor_passwords_are_taken_from_the_environment(monkeypatch, tmp_path, free_port):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port}")
    with Collector() as collector, Exporting(collector.endpoint) as exporting:
        exporting.take(1)
        collector.arrived(1)
    assert "authorization" not in collector.headers[0]


def certified(folder):
    """A certificate for 127.0.0.1 that vouches for itself: its file, and what a server needs."""
    from ipaddress import ip_address

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "collector")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return folder / "ca.pem", context


def test_a_collector_is_only_trusted_with_a_certificate(tmp_path):
    ca, tls = certified(tmp_path)
    with Collector(tls=tls) as collector:
        with Exporting(collector.endpoint, ca=str(ca)) as exporting:
            exporting.take(1)
            collector.arrived(1)
        with Exporting(collector.endpoint, timeout="50ms") as exporting:
            exporting.take(2)
            until(lambda: exporting.counted()[1] == {"export_failed": 1})
        assert ids(collector) == [1]
    assert "CERTIFICATE_VERIFY_FAILED" in exporting.told.lines[0][1]["why"]


def test_a_file_of_certificates_that_is_none_refuses_the_plan(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "absent.pem"):
        with pytest.raises(OSError, match=r"."):
            Exporting("https://127.0.0.1:1", ca=str(tmp_path / name))


# === what the log is told ===


class Clock(Told):
    time = 0.0

    def now(self):
        return self.time


def test_trouble_is_told_at_first_then_every_minute_and_when_it_is_over():
    told = Clock()
    trouble = Trouble(told, "http://a")
    for moment in (0, 1, QUIET_SECONDS - 1, QUIET_SECONDS, QUIET_SECONDS + 1):
        told.time = 1000.0 + moment
        trouble.failed("refused", 2)
    assert [fields["lost"] for _, fields in told.lines] == [2, 8]
    trouble.over()
    trouble.over()
    assert told.lines[2:] == [("spans are taken again", {"endpoint": "http://a", "lost": 10})]
