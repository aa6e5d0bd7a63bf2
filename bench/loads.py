"""Who asks: wrk, and the load program of our own for what wrk does not do (client certificates, handshakes, fixed rates, bulk)."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.certificates import HOST, Certificates
from bench.peers.base import Tls
from bench.places import LOAD_PROGRAM, WRK_SCRIPT
from bench.processes import pinned

PATIENCE_SECONDS = 120.0

# One suite and one group for every peer, so that all do the same arithmetic: RFC 8446 (9.1) asks every implementation for this suite.
OPENSSL_CONFIGURATION = """\
openssl_conf = initialisation
[initialisation]
ssl_conf = ssl
[ssl]
system_default = default
[default]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
Groups = X25519
"""


class LoadError(RuntimeError):
    """A load that did not run to its end."""


@dataclass(frozen=True)
class Outcome:
    """What came back. Latencies in microseconds; `offered` only where the load sets the pace."""

    completed: int
    seconds: float
    bytes: int
    errors: int
    p50_us: float
    p99_us: float
    p999_us: float
    offered: int = 0
    resumed: int = 0
    first_error: str = ""

    def __add__(self, later: "Outcome") -> "Outcome":
        """Both in one. Of latencies the worse: quantiles cannot be added."""
        return Outcome(
            completed=self.completed + later.completed,
            seconds=self.seconds + later.seconds,
            bytes=self.bytes + later.bytes,
            errors=self.errors + later.errors,
            p50_us=max(self.p50_us, later.p50_us),
            p99_us=max(self.p99_us, later.p99_us),
            p999_us=max(self.p999_us, later.p999_us),
            offered=self.offered + later.offered,
            resumed=self.resumed + later.resumed,
            first_error=self.first_error or later.first_error,
        )


@dataclass(frozen=True)
class Aim:
    """Where a load goes and what it may use on its way."""

    address: str
    tls: Tls
    certificates: Certificates
    cores: str
    folder: Path


def wrk(
    aim: Aim, *, connections: int, seconds: float, length: int, path: str = "/", headers: Sequence[str] = ()
) -> Outcome:
    """HTTP/1.1 on connections that stay, each response checked for status and length."""
    if aim.tls is Tls.MUTUAL:
        raise LoadError("wrk cannot present a client certificate")
    scheme = "http" if aim.tls is Tls.OFF else "https"
    openssl = aim.folder / "openssl.cnf"
    openssl.write_text(OPENSSL_CONFIGURATION)
    command = [
        "wrk",
        "--threads",
        "1",
        "--connections",
        str(connections),
        "--duration",
        f"{max(1, round(seconds))}s",
    ]
    command += ["--script", str(WRK_SCRIPT), "--header", f"Host: {HOST}"]
    command += [part for header in headers for part in ("--header", header)]
    command.append(f"{scheme}://{aim.address}{path}")
    done = subprocess.run(
        pinned(["env", f"OPENSSL_CONF={openssl}", f"BENCH_LENGTH={length}", *command], aim.cores),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + PATIENCE_SECONDS,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines or not lines[-1].startswith("{"):
        raise LoadError(f"wrk: {done.stderr.strip() or done.stdout.strip()}")
    return Outcome(**json.loads(lines[-1]))


def own(aim: Aim, load: Mapping[str, Any], at_start: Callable[[], None], *, resume: bool = False) -> Outcome:
    """Our own load; `at_start` is called when its measured time begins."""
    with _started(aim, load, resume=resume) as process:
        _line(process, "start")
        at_start()
        return _outcome(_line(process, "result"))


@contextmanager
def beside(aim: Aim, load: Mapping[str, Any]) -> Iterator[Callable[[], Outcome]]:
    """A load that runs beside another, from before the block; call what it gives to wait for its end and learn the outcome."""
    with _started(aim, load, resume=False) as process:
        _line(process, "start")
        yield lambda: _outcome(_line(process, "result"))


@contextmanager
def holding(aim: Aim, load: Mapping[str, Any]) -> Iterator[Callable[[], Outcome]]:
    """Connections that are open while the block runs; call what it gives to let them go and learn the outcome."""
    with _started(aim, load, resume=False) as process:
        _line(process, "start")

        def release() -> Outcome:
            if process.stdin:
                process.stdin.write("\n")
                process.stdin.flush()
            return _outcome(_line(process, "result"))

        yield release


@contextmanager
def _started(aim: Aim, load: Mapping[str, Any], *, resume: bool) -> Iterator[subprocess.Popen[str]]:
    spec = {"role": "load", "target": _target(aim, resume=resume), "load": load}
    process = subprocess.Popen(
        pinned([str(LOAD_PROGRAM), json.dumps(spec)], aim.cores),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _target(aim: Aim, *, resume: bool) -> dict[str, Any]:
    target: dict[str, Any] = {"address": aim.address, "host": HOST, "tls": None}
    if aim.tls is not Tls.OFF:
        mutual = aim.tls is Tls.MUTUAL
        target["tls"] = {
            "ca": str(aim.certificates.ca),
            "cert": str(aim.certificates.client_cert) if mutual else None,
            "key": str(aim.certificates.client_key) if mutual else None,
            "resume": resume,
        }
    return target


def _line(process: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """The next line of the load program, which must tell of this event."""
    text = process.stdout.readline() if process.stdout else ""
    if not text:
        reason = process.stderr.read().strip() if process.stderr else ""
        raise LoadError(f"the load ended before its {event}: {reason}")
    line: dict[str, Any] = json.loads(text)
    if line.pop("event") != event:
        raise LoadError(f"expected {event}, the load said {text.strip()}")
    return line


def _outcome(line: dict[str, Any]) -> Outcome:
    return Outcome(**{**line, "first_error": line["first_error"] or ""})
