"""A small real HTTP service for the demo: says its name and what it was told of the client.

Run by its path, alone: python -I service.py NAME HOST:PORT READY-DESCRIPTOR. It needs the standard library only and ends
with its standard input, so it never outlives the demo. It is quick for Python because it reads only what it needs: bodies
with Content-Length are dropped, others are refused with 411.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
IDENTITY = re.compile(rb"\r\nx-forwarded-client-cert:[ \t]*([^\r]*)", re.IGNORECASE)


class Answering(asyncio.Protocol):
    """One connection: a request, its answer, the next one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._received = b""
        self._body = 0  # bytes of a request's body that are still to come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request whose head is here."""
        self._received += data
        while self._skip_body() and (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, self._received = self._received[: end + 2], self._received[end + 4 :]
            if CHUNKED.search(head):
                self._transport.write(
                    answer(self._name, b"411 Length Required", b"\r\nconnection: close", {})
                )
                self._transport.close()
                return
            length = LENGTH.search(head)
            self._body = int(length[1]) if length else 0
            self._transport.write(answer(self._name, b"200 OK", b"", described(self._name, head)))

    def _skip_body(self) -> bool:
        skipped = min(self._body, len(self._received))
        self._received = self._received[skipped:]
        self._body -= skipped
        return self._body == 0


def described(name: str, head: bytes) -> dict[str, str | None]:
    """What a caller is told: who answers, what was asked, and by whom."""
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    identity = IDENTITY.search(head)
    return {
        "service": name,
        "method": method,
        "path": target,
        "x-forwarded-client-cert": identity[1].decode("latin-1") if identity else None,
    }


def answer(name: str, status: bytes, header: bytes, body: dict[str, str | None]) -> bytes:
    """A whole response."""
    content = json.dumps(body).encode() + b"\n"
    return (
        b"HTTP/1.1 %s\r\nx-service: %s\r\ncontent-type: application/json\r\ncontent-length: %d%s\r\n\r\n%s"
        % (
            status,
            name.encode(),
            len(content),
            header,
            content,
        )
    )


async def serve(name: str, address: str, ready: int) -> None:
    """Answer until standard input ends. The address is written to `ready` when connections are accepted."""
    loop = asyncio.get_running_loop()
    host, _, port = address.rpartition(":")
    server = await loop.create_server(lambda: Answering(name), host, int(port))
    with os.fdopen(ready, "w") as file:
        file.write(f"{address}\n")
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
