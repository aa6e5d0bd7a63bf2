"""A small HTTP/1.1 service that does what a test wants, and writes down all that it gets."""

import asyncio
import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
Behaviour = Callable[["Conversation"], Awaitable[None]]


@dataclass
class Request:
    """What a service got."""

    head: bytes
    body: bytes
    trailers: bytes

    @property
    def path(self) -> str:
        """As it stands in the request line."""
        return self.head.split(b" ", 2)[1].decode("latin-1")

    def values(self, name: str) -> list[str]:
        """Of a header field, in any spelling of its name."""
        lines = [line.partition(":") for line in self.head.decode("latin-1").split("\r\n")[1:]]
        return [value.strip() for told, _, value in lines if told.lower().replace("_", "-") == name]


class Conversation:
    """One connection to a service."""

    def __init__(
        self, service: "Service", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.service, self.reader, self.writer = service, reader, writer

    async def request(self) -> Request | None:
        """The next request, or nothing when the peer has closed."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            request = Request(head, *await self._body(head))
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return None
        self.service.requests.append(request)
        return request

    async def _body(self, head: bytes) -> tuple[bytes, bytes]:
        if length := LENGTH.search(head):
            return await self.reader.readexactly(int(length[1])), b""
        body = b""
        while CHUNKED.search(head):
            size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
            if not size:
                return body, await self._trailers()
            body += (await self.reader.readexactly(size + 2))[:-2]
        return body, b""

    async def _trailers(self) -> bytes:
        lines = [await self.reader.readuntil(b"\r\n")]
        while lines[-1] != b"\r\n":
            lines.append(await self.reader.readuntil(b"\r\n"))
        return b"".join(lines[:-1])

    async def send(self, data: bytes) -> None:
        """Write, and wait until most of it is on its way."""
        self.writer.write(data)
        await self.writer.drain()

    async def ended(self) -> bytes:
        """All that still comes until the peer closes."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            return await self.reader.read()
        return b""

    def reset(self) -> None:
        """End the connection so that the peer gets an error."""
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass
class Service:
    """Listens on a port of its own until the `with` is left."""

    behaviour: Behaviour
    tls: ssl.SSLContext | None = None
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0  # ever accepted; with TLS: ever through with their handshake
    open: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def address(self) -> str:
        """For an upstream's endpoints."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def listen(self) -> None:
        """Accept, from the start or again after `refuse`; always on the same port."""
        self._call(self._listen())

    def refuse(self) -> None:
        """Close the port and every connection, as a service that crashes."""
        self._call(self._end())

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._converse, "127.0.0.1", self.port, backlog=4096, ssl=self.tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _call(self, what: Awaitable[None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout=20)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        try:
            with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
                await self.behaviour(Conversation(self, reader, writer))
        finally:
            self._tasks.discard(task)
            self.open -= 1
            writer.transport.abort()


# === behaviours ===


def response(body: bytes = b"ok", status: str = "200 OK", *lines: str) -> bytes:
    """A whole response."""
    head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


async def answer(conversation: Conversation) -> None:
    """Every request with `200 OK`."""
    while await conversation.request():
        await conversation.send(response())


async def silence(conversation: Conversation) -> None:
    """No request, ever."""
    await conversation.ended()


def sends(*parts: bytes) -> Behaviour:
    """Each of these parts in turn after a request, a breath between them, then nothing but wait for the end."""

    async def behave(conversation: Conversation) -> None:
        while await conversation.request():
            for part in parts:
                await conversation.send(part)
                await asyncio.sleep(0.01)

    return behave
