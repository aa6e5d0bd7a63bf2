"""Golden exchanges over real sockets: a FlatProxy with a listener for each, a scripted upstream, a client that says it all.

What the wire cannot show (the log of filters, the clock) and what a proxy adds (its own header fields) is not looked at.
"""

import asyncio
import socket
import threading
from http.client import responses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from sdk.conformance.golden import Breaks, Expected, Golden, Lines, Replies, octets, pieces
from sdk.conformance.kind import Played, Sent
from tests.e2e.stand.service import Conversation, Request

PATIENCE_SECONDS = 20.0
BODILESS = (204, 304)
# What the stand can make happen, by the flag that comes of it.
BREAKS = ("CONNECT", "UPSTREAM_RESET")
REFUSES = (Breaks(fails="CONNECT"),)


def is_playable(golden: Golden) -> bool:
    """Whether clients and services that are on this machine, and have no certificate, can play it."""
    breaks = [answer.fails for answer in golden.upstream if isinstance(answer, Breaks)]
    refuses = (
        "CONNECT" in breaks and len(golden.upstream) > 1
    )  # a port cannot be shut for the first attempt only
    waits = any(isinstance(answer, Replies) and answer.after for answer in golden.upstream)
    known = golden.peer.model_fields_set
    return not (known or waits or refuses) and set(breaks) <= set(BREAKS)


def on_the_wire(golden: Golden) -> Golden:
    """The same exchange, with what the wire shows of it expected."""
    expect = golden.expect

    def seen(message: Any) -> Any:
        return message.model_copy(update={"lines": None})

    # An attempt that could not connect is one, and nobody gets it.
    got = () if golden.upstream == REFUSES else expect.attempts
    attempts = tuple(seen(attempt) for attempt in got)
    update = {
        "response": seen(expect.response),
        "attempts": attempts,
        "log": None,
        "counters": {},
        "waited": None,
    }
    return golden.model_copy(update={"expect": Expected.model_construct(**{**dict(expect), **update})})


# === the upstream ===


class Upstreams:
    """A scripted service for each exchange, all on one thread."""

    def __init__(self, exchanges: list[Golden]) -> None:
        self.requests: list[list[Request]] = [[] for _ in exchanges]
        self.ports: list[int] = []
        self._places: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._exchanges = exchanges
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(PATIENCE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        for number, golden in enumerate(self._exchanges):
            place = socket.create_server(("127.0.0.1", 0)) if golden.upstream != REFUSES else _shut()
            self._places.append(place)
            self.ports.append(place.getsockname()[1])
            if golden.upstream != REFUSES:
                self._servers.append(await asyncio.start_server(self._behaviour(number, golden), sock=place))

    async def _end(self) -> None:
        for place in (*self._servers, *self._places):
            place.close()
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _behaviour(self, number: int, golden: Golden) -> Any:
        record = self.requests[number]

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            conversation = Conversation(SimpleNamespace(requests=record), reader, writer)  # type: ignore[arg-type]
            try:
                while await conversation.request():
                    answer = golden.upstream[min(len(record), len(golden.upstream)) - 1]
                    if isinstance(answer, Breaks):
                        conversation.reset()
                        return
                    await conversation.send(reply(answer))
            except ConnectionError:
                pass
            finally:
                writer.transport.abort()

        return behave


def _shut() -> socket.socket:
    """A port that nobody else gets, and where nobody listens."""
    place = socket.socket()
    place.bind(("127.0.0.1", 0))
    return place


def reply(answer: Replies) -> bytes:
    """A whole response; chunked where the script has pieces or trailers."""
    body = pieces(answer.body)
    head = f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Other')}\r\n".encode() + _fields(
        answer.headers
    )
    if answer.status in BODILESS:
        return head + b"\r\n"
    if len(body) > 1 or answer.trailers:
        return head + b"transfer-encoding: chunked\r\n\r\n" + _chunked(body, answer.trailers)
    return head + b"content-length: %d\r\n\r\n" % len(b"".join(body)) + b"".join(body)


def _chunked(body: list[bytes], trailers: Lines) -> bytes:
    return (
        b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in body)
        + b"0\r\n"
        + _fields(trailers)
        + b"\r\n"
    )


def _fields(lines: Lines) -> bytes:
    return b"".join(b"%s: %s\r\n" % (name.encode(), octets(value)) for name, value in lines)


# === the client ===


def ask(address: tuple[str, int], golden: Golden) -> Played:
    """Send the request, piece by piece; what came back, without what the upstream got."""
    asked = golden.request
    target = asked.path if asked.query is None else f"{asked.path}?{asked.query}"
    head = f"{asked.method} {target} HTTP/1.1\r\nhost: {asked.host}\r\n".encode() + _fields(asked.headers)
    body = pieces(asked.body)
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        if body:
            connection.sendall(head + b"transfer-encoding: chunked\r\n\r\n" + _chunked(body, asked.trailers))
        else:
            connection.sendall(head + b"\r\n")
        try:
            with connection.makefile("rb") as stream:
                return _response(stream, has_body=asked.method != "HEAD")
        except ConnectionResetError:  # how a response ends that had begun
            return Played(0, (), b"", ())


def _response(stream: Any, *, has_body: bool) -> Played:
    status = stream.readline()
    if not status:
        return Played(0, (), b"", (), closed=True)
    number, headers = int(status.split(b" ")[1]), _read_fields(stream)
    if not has_body or number in BODILESS:
        return Played(number, headers, b"", ())
    lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
    if lengths:
        return Played(number, headers, stream.read(lengths[0]), ())
    body = b""
    while size := int(stream.readline() or b"0", 16):
        body += stream.read(size)
        stream.readline()
    return Played(number, headers, body, (), trailers=_read_fields(stream))


def _read_fields(stream: Any) -> tuple[tuple[str, bytes], ...]:
    fields = []
    while line := stream.readline().rstrip(b"\r\n"):
        name, _, value = line.partition(b":")
        fields.append((name.decode(), value.strip(b" ")))
    return tuple(fields)


def sent(request: Request) -> Sent:
    """A request as the upstream got it."""
    line, *lines = request.head.rstrip(b"\r\n").split(b"\r\n")
    method, target, _ = line.decode().split(" ")
    path, mark, query = target.partition("?")
    fields = _parsed(lines)
    host = next(value for name, value in fields if name.lower() == "host").decode()
    trailers = _parsed(request.trailers.rstrip(b"\r\n").split(b"\r\n") if request.trailers else [])
    return Sent(method, host, path, query if mark else None, fields, request.body, trailers)


def _parsed(lines: list[bytes]) -> tuple[tuple[str, bytes], ...]:
    parts = [line.partition(b":") for line in lines]
    return tuple((name.decode(), value.strip(b" ")) for name, _, value in parts)


# === the proxy ===


def configuration(exchanges: list[Golden], ports: list[int]) -> dict[str, Any]:
    """A listener, a route and an upstream for each exchange."""
    return {
        "workers": 1,
        "listeners": [
            {
                "name": f"golden-{number}",
                "listen": f"127.0.1.{number + 1}:0",
                "routes": [_route(number, golden)],
            }
            for number, golden in enumerate(exchanges)
        ],
        "upstreams": [
            {"name": f"golden-{number}", "endpoints": [f"127.0.0.1:{port}"], "ejection": "off"}
            for number, port in enumerate(ports)
        ],
    }


def _route(number: int, golden: Golden) -> dict[str, Any]:
    filters = [
        {"use": use.use, "options": use.options, "fail": golden.fail, "timeout": golden.timeout}
        for use in golden.filters
    ]
    return {"name": "all", "upstream": f"golden-{number}", "filters": filters}


def announce(folder: Path) -> None:
    """Write what an installed package of the conformance filters would leave."""
    info = folder / "conformance_filters-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: conformance-filters\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[flatproxy]\nconformance = sdk.conformance.python\n")
