"""The service of the demo: small, but what it says of HTTP is right."""

import asyncio
import json

import pytest

from flatproxy.cli.demo.service import Answering


class Written(asyncio.Transport):
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""
        self.closed = False

    def write(self, data):
        self.data += data

    def close(self):
        self.closed = True


@pytest.fixture
def connection():
    protocol, transport = Answering("carts"), Written()
    protocol.connection_made(transport)
    return protocol, transport


def body(answer: bytes) -> dict[str, object]:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_it_says_its_name_and_what_it_was_told_of_the_client(connection, step):
    protocol, transport = connection
    request = b"GET /x HTTP/1.1\r\nhost: a\r\nX-Forwarded-Client-Cert: URI=spiffe://demo.mesh/a\r\n\r\n"
    for start in range(0, len(request), step):
        protocol.data_received(request[start : start + step])
    assert body(transport.data) == {
        "service": "carts",
        "method": "GET",
        "path": "/x",
        "x-forwarded-client-cert": "URI=spiffe://demo.mesh/a",
    }


def test_a_body_is_dropped_and_the_next_request_answered(connection):
    protocol, transport = connection
    protocol.data_received(b"POST /x HTTP/1.1\r\ncontent-length: 6\r\n\r\nGET")
    protocol.data_received(b" / GET /y HTTP/1.1\r\n\r\n")
    first, second = transport.data.split(b"HTTP/1.1 200 OK")[1:]
    assert (body(first)["path"], body(second)["path"]) == ("/x", "/y")


def test_what_it_cannot_read_it_refuses(connection):
    protocol, transport = connection
    protocol.data_received(b"POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
    assert transport.data.startswith(b"HTTP/1.1 411 ")
    assert transport.closed
