"""A stream socket that carries messages, and descriptors with them (SCM_RIGHTS). Blocking; for the end that may wait."""

import os
import socket

from flatproxy.core.messages import HEADER, Message, ProtocolError, decode, encode, lengths

# The kernel takes 253 descriptors with one byte (SCM_MAX_FD); more travel with further bytes.
DESCRIPTORS_PER_BYTE = 250


class Channel:
    """One end of a connection between two of our processes. One thread sends at a time, one receives."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, message: Message, descriptors: list[int] | None = None) -> None:
        """Send a message, and copies of our descriptors; raises OSError when the other end is gone."""
        descriptors = descriptors or []
        header, payload = encode(message, len(descriptors))
        self._connection.sendall(header)
        for start in range(0, len(descriptors), DESCRIPTORS_PER_BYTE):
            socket.send_fds(self._connection, [b"\0"], descriptors[start : start + DESCRIPTORS_PER_BYTE])
        self._connection.sendall(payload)

    def receive(self) -> tuple[Message, list[int]] | None:
        """The next message and the descriptors that came with it, ours to close; None when the other end is gone."""
        header = self._exactly(HEADER.size)
        if header is None:
            return None
        size, expected = lengths(header)
        descriptors: list[int] = []
        while len(descriptors) < expected:
            data, received, _, _ = socket.recv_fds(self._connection, 1, DESCRIPTORS_PER_BYTE)
            descriptors += received
            if not data or not received:
                close_all(descriptors)
                raise ProtocolError(f"{len(descriptors)} of {expected} descriptors came through")
        payload = self._exactly(size)
        if payload is None:
            close_all(descriptors)
            return None
        return decode(payload), descriptors

    def close(self) -> None:
        """Close this end; the other one receives None."""
        self._connection.close()

    def _exactly(self, size: int) -> bytes | None:
        data = bytearray()
        while len(data) < size:
            try:
                piece = self._connection.recv(min(size - len(data), 1 << 20))
            except ConnectionResetError:
                return None
            if not piece:
                return None
            data += piece
        return bytes(data)


def close_all(descriptors: list[int]) -> None:
    """Close descriptors that nobody will use."""
    for descriptor in descriptors:
        os.close(descriptor)
