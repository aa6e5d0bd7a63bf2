"""Clients: one that says exactly what a test wants, and a good neighbour who must not notice an attack."""

import socket
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.e2e.stand.certificates import Files

PATIENCE_SECONDS = 20.0
NEIGHBOUR_PAUSE_SECONDS = 0.1  # reference behaviour of "a well-behaved client": 10 requests a second


@dataclass(frozen=True)
class Response:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def flag(self) -> str | None:
        """Why FlatProxy answered in place of a service."""
        return self.headers.get("x-flatproxy-flag")


class Cut(Exception):  # noqa: N818  what happened, not what somebody did wrong
    """The connection ended before the response did."""


class Client:
    """One connection; `get` for a whole exchange, `send` and `response` for what is not one."""

    def __init__(
        self,
        address: tuple[str, int],
        tls: ssl.SSLContext | None = None,
        *,
        name: str = "localhost",
        session: ssl.SSLSession | None = None,
        receive_buffer: int = 0,
    ) -> None:
        self.socket: socket.socket | ssl.SSLSocket = socket.socket()
        self.socket.settimeout(PATIENCE_SECONDS)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name, session=session)
        self._input = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Be gone."""
        self._input.close()
        self.socket.close()

    def send(self, text: str | bytes) -> None:
        """Send these bytes as they are."""
        self.socket.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))

    def get(self, path: str = "/", *lines: str, method: str = "GET", body: bytes = b"") -> Response:
        """One request and its response."""
        length = (f"content-length: {len(body)}",) if body or method == "POST" else ()
        head = [f"{method} {path} HTTP/1.1", "host: localhost", *length, *lines, "", ""]
        self.send("\r\n".join(head).encode("latin-1") + body)
        return self.response()

    def response(self) -> Response:
        """The next response; raises Cut when the connection ends first."""
        status = int(self._line().split(" ")[1])
        headers: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Response(status, headers, self._body(headers))

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self._exactly(int(headers.get("content-length", 0)))
        body = b""
        while size := int(self._line(), 16):
            body += self._exactly(size)
            self._line()
        self._line()
        return body

    def _line(self) -> str:
        line = self._read(self._input.readline)
        if not line.endswith(b"\n"):
            raise Cut(line)
        return line.rstrip(b"\r\n").decode("latin-1")

    def _exactly(self, size: int) -> bytes:
        data = self._read(lambda: self._input.read(size))
        if len(data) < size:
            raise Cut(data)
        return data

    def _read(self, read) -> bytes:
        try:
            return read()
        except (ConnectionError, ssl.SSLEOFError) as error:
            raise Cut(error) from error

    def rest(self) -> bytes:
        """All that still comes until the other end closes, orderly or not."""
        try:
            return self._read(self._input.read)
        except Cut:
            return b""


def member(authority: Path, files: Files | None = None, *, old: bool = False) -> ssl.SSLContext:
    """A TLS client that trusts this authority and shows that certificate; `old`: speaks TLS 1.2 at most."""
    context = ssl.create_default_context(cafile=authority)
    if files is not None:
        context.load_cert_chain(files.cert, files.key)
    if old:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


class Neighbour:
    """Asks ten times a second, in turn on a connection it keeps and on a new one, and wants every answer.

    `newcomer=False`: only on the one that it keeps. `pause`: seconds from one question to the next.
    """

    def __init__(
        self,
        address: tuple[str, int],
        path: str = "/",
        tls: ssl.SSLContext | None = None,
        *,
        newcomer: bool = True,
        pause: float = NEIGHBOUR_PAUSE_SECONDS,
    ) -> None:
        self._address, self._path, self._tls = address, path, tls
        self._newcomer, self._pause = newcomer, pause
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self.answered = 0
        self.slowest = 0.0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        if kind is None:
            self.is_well()

    def is_well(self) -> None:
        """Everything it asked was answered."""
        assert not self.failures, f"a good neighbour should get every answer: {self.failures[:5]}"
        assert self.answered, "the neighbour should have asked"

    def _live(self) -> None:
        with self._connected() as kept:
            while not self._stopping.is_set():
                self._ask(kept)
                self._stopping.wait(self._pause)
                if self._newcomer:
                    with self._connected() as new:
                        self._ask(new)
                    self._stopping.wait(self._pause)

    def _connected(self) -> Client:
        return Client(self._address, self._tls)

    def _ask(self, client: Client) -> None:
        began = time.monotonic()
        try:
            response = client.get(self._path)
        except (OSError, Cut) as error:
            self.failures.append(repr(error))
            self._stopping.set()
            return
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.answered += 1
        if response.status != 200:
            self.failures.append(f"{response.status} {response.flag}")
