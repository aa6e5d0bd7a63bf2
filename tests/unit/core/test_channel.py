"""Messages over a real socket pair: any size, any pieces, any number of descriptors."""

import os
import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flatproxy.core.channel import Channel, close_all
from flatproxy.core.messages import (
    HEADER,
    Answer,
    Drain,
    Frames,
    ProtocolError,
    Refused,
    Reload,
    Serving,
    Sockets,
    WantSockets,
    encode,
)

EVERY_MESSAGE = [
    WantSockets({"127.0.0.1:80": 2}),
    Serving(b"\x00kept", [{"name": "web", "listen": "127.0.0.1:80"}], None, 30.0, "start"),
    Refused(["one", "zwei ü"], "reload"),
    Sockets({"127.0.0.1:80": 2}, []),
    Reload(),
    Drain(1.5),
    Answer([]),
]


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    one, other = map(Channel, socket.socketpair())
    yield one, other
    one.close()
    other.close()


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent(pair, message):
    pair[0].send(message)
    assert pair[1].receive() == (message, [])


def test_a_large_message_arrives_whole(pair):
    message = Serving(os.urandom(5_000_000), [], None, 0.0, "start")
    sender = threading.Thread(target=pair[0].send, args=(message,))
    sender.start()
    assert pair[1].receive() == (message, [])
    sender.join()


@pytest.mark.parametrize("count", [1, 250, 251, 600])
def test_descriptors_arrive_in_order_and_open_the_same_files(pair, count):
    files = [os.memfd_create(f"file {i}") for i in range(count)]
    for i, file in enumerate(files):
        os.write(file, str(i).encode())
    sender = threading.Thread(target=pair[0].send, args=(Sockets({"x": count}, []), files))
    sender.start()
    received = pair[1].receive()
    sender.join()
    close_all(files)
    assert received is not None
    message, descriptors = received
    assert message == Sockets({"x": count}, [])
    assert [os.pread(descriptor, 10, 0) for descriptor in descriptors] == [
        str(i).encode() for i in range(count)
    ]
    close_all(descriptors)


def test_a_message_follows_one_with_descriptors(pair):
    file = os.memfd_create("file")
    pair[0].send(Sockets({"x": 1}, []), [file])
    pair[0].send(Reload())
    os.close(file)
    received = pair[1].receive()
    assert received is not None
    close_all(received[1])
    assert pair[1].receive() == (Reload(), [])


def test_a_closed_channel_is_the_end(pair):
    pair[0].close()
    assert pair[1].receive() is None


def test_half_a_message_is_the_end(pair):
    header, payload = encode(Reload())
    pair[0]._connection.sendall(header + payload[:2])
    pair[0].close()
    assert pair[1].receive() is None


@given(st.lists(st.sampled_from(EVERY_MESSAGE), max_size=6), st.lists(st.integers(1, 40)))
def test_frames_do_not_depend_on_how_the_bytes_arrive(messages, sizes):
    stream = b"".join(b"".join(encode(message)) for message in messages)
    frames, received = Frames(), []
    for size in sizes:
        piece, stream = stream[:size], stream[size:]
        received += frames.feed(piece)
    received += frames.feed(stream)
    assert received == messages


@pytest.mark.parametrize(
    "data",
    [
        HEADER.pack(1, 0) + b"\xc1",
        HEADER.pack(1, 0) + b"\x01",
        struct.pack("<II", 5, 0) + b"\x92\xa1X\x80\x00",
        HEADER.pack(1 << 31, 0),
        HEADER.pack(0, 3),
    ],
    ids=["no msgpack", "no message", "unknown message", "too large", "descriptors"],
)
def test_nonsense_is_refused(data):
    with pytest.raises(ProtocolError):
        list(Frames().feed(data))
