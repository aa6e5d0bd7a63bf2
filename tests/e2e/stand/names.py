"""A name server that knows one name, or nothing, or does not answer."""

import socket
import struct
import threading
from typing import Self

HEADER = struct.Struct("!HHHHHH")
ANSWER, NO_SUCH_NAME = 0x8180, 0x8183  # RFC 1035 section 4.1.1: a response, with its code
TYPE_A, CLASS_IN = 1, 1
TTL_SECONDS = 1


class NameServer:
    """Tells that every name is this address, for a second; with `address = None`, that there is no such name."""

    def __init__(self, address: str | None) -> None:
        self.address = address
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def listen(self) -> str:
        """For `dns.servers`."""
        return "{}:{}".format(*self._socket.getsockname())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.die()

    def die(self) -> None:
        """From now on nobody answers."""
        if self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", self._socket.getsockname())
            self._thread.join()
            self._socket.close()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            self.asked += 1
            self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        number = HEADER.unpack_from(query)[0]
        end = query.index(b"\0", HEADER.size) + 5  # after the name: its type and class
        question = query[HEADER.size : end]
        if self.address is None:
            return HEADER.pack(number, NO_SUCH_NAME, 1, 0, 0, 0) + question
        if struct.unpack_from("!H", question, len(question) - 4)[0] != TYPE_A:
            return HEADER.pack(number, ANSWER, 1, 0, 0, 0) + question
        # The name is a pointer to the one in the question.
        record = struct.pack("!HHHIH", 0xC000 | HEADER.size, TYPE_A, CLASS_IN, TTL_SECONDS, 4)
        address = socket.inet_aton(self.address)
        return HEADER.pack(number, ANSWER, 1, 1, 0, 0) + question + record + address
