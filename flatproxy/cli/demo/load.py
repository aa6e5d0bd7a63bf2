"""A small load generator: keep-alive connections on one thread, one request after the other on each.

It is Python, so at full speed it measures itself as much as the proxy; `make bench` measures the proxy.
"""

from __future__ import annotations

import re
import selectors
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

CONNECTIONS = 8
ANSWER_SECONDS = 10.0  # an answer that takes longer is a failure
PAUSE_SECONDS = 0.05  # before a connection that failed is made anew
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
SERVICE = re.compile(rb"\r\nx-service: *([^\r]*)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass
class Lap:
    """What was measured in a stretch of time."""

    seconds: list[float] = field(default_factory=list)  # of each request that was answered with 200
    services: Counter[str] = field(default_factory=Counter)  # who answered
    failures: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    ended: float = 0.0

    @property
    def per_second(self) -> float:
        """Answered requests per second."""
        return len(self.seconds) / (self.ended - self.began)

    def milliseconds(self, share: float) -> float:
        """The duration that this share of the requests stayed below."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else float("nan")


class Load:
    """Asks for a path as fast as it can until the `with` is left."""

    def __init__(self, address: str, host: str, path: str) -> None:
        self._address = address
        self._request = f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode()
        self._lap = Lap()
        self._goal = 0
        self._reached = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def lap(self) -> Lap:
        """What was measured since the last call, or the beginning."""
        done, self._lap = self._lap, Lap()
        done.ended = time.perf_counter()
        return done

    def wait_for(self, answers: int, seconds: float) -> None:
        """Return when there are so many more answers, or the time is up."""
        self._reached.clear()
        self._goal = len(self._lap.seconds) + answers
        self._reached.wait(seconds)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            clients = [_Client(self._address, self._request) for _ in range(CONNECTIONS)]
            while not self._stopping.is_set():
                for client in clients:
                    self._look_after(client, selector)
                for key, _ in selector.select(PAUSE_SECONDS):
                    self._take(key.data, selector)
            for client in clients:
                client.close(selector)

    def _look_after(self, client: _Client, selector: selectors.BaseSelector) -> None:
        now = time.perf_counter()
        if client.socket is None and now >= client.next_try:
            try:
                client.open(selector)
            except OSError as error:
                self._failed(client, selector, f"cannot connect: {error.strerror or error}")
        elif client.socket is not None and now - client.asked > ANSWER_SECONDS:
            self._failed(client, selector, f"no answer within {ANSWER_SECONDS:g} s")

    def _take(self, client: _Client, selector: selectors.BaseSelector) -> None:
        try:
            head = client.receive()
            if head is None:
                return
            self._count(head, time.perf_counter() - client.asked)
            if CLOSE.search(head):
                client.close(selector)
            else:
                client.ask()
        except OSError as error:
            self._failed(client, selector, str(error.strerror or error))

    def _count(self, head: bytes, seconds: float) -> None:
        lap = self._lap
        if head[9:12] != b"200":
            lap.failures.append(head.split(b"\r\n", 1)[0].decode("latin-1"))
            return
        service = SERVICE.search(head)
        lap.services[service[1].decode() if service else "-"] += 1
        lap.seconds.append(seconds)
        if len(lap.seconds) == self._goal:
            self._reached.set()

    def _failed(self, client: _Client, selector: selectors.BaseSelector, why: str) -> None:
        self._lap.failures.append(why)
        client.close(selector)
        client.next_try = time.perf_counter() + PAUSE_SECONDS


class _Client:
    """One connection."""

    def __init__(self, address: str, request: bytes) -> None:
        host, _, port = address.rpartition(":")
        self._address = host, int(port)
        self._request = request
        self._received = b""
        self.socket: socket.socket | None = None
        self.asked = 0.0
        self.next_try = 0.0

    def open(self, selector: selectors.BaseSelector) -> None:
        self.socket = socket.create_connection(self._address, ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(self.socket, selectors.EVENT_READ, self)
        self.ask()

    def close(self, selector: selectors.BaseSelector) -> None:
        if self.socket is not None:
            selector.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def ask(self) -> None:
        assert self.socket is not None
        self._received = b""
        self.asked = time.perf_counter()
        self.socket.sendall(self._request)

    def receive(self) -> bytes | None:
        """The head of the answer once all of it is here; OSError when the connection ends before."""
        assert self.socket is not None
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed before the answer was whole")
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._received[: end + 2]
        length = LENGTH.search(head)
        whole = end + 4 + (int(length[1]) if length else 0)
        return head if len(self._received) >= whole else None
