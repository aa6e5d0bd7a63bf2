"""The listening sockets: opened and kept by the supervisor, so that they outlive every proxy process."""

import contextlib
import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from flatproxy.core.holder import holders

# The kernel cuts it to net.core.somaxconn. Connections wait here while a proxy process is replaced.
BACKLOG = 4096


class AddressError(Exception):
    """An address cannot be listened on; the message says why."""


@dataclass(frozen=True)
class Listening:
    """The sockets of one address; `bound` is the address with the real port, where the asked one was 0."""

    sockets: list[socket.socket]
    bound: str


class SocketSet:
    """Addresses as the configuration writes them, and the sockets that listen there."""

    def __init__(self) -> None:
        self._open: dict[str, Listening] = {}

    def ensure(self, wanted: dict[str, int]) -> list[str]:
        """Listen on every address with so many sockets, keeping what is open. Returns errors; then nothing new stays."""
        before, errors = set(self._open), []
        for address, count in wanted.items():
            if address not in self._open:
                try:
                    self._open[address] = self._listen(address, count)
                except AddressError as error:
                    errors.append(str(error))
        if errors:
            self.keep_only(before)
        return errors

    def keep_only(self, addresses: set[str]) -> list[str]:
        """Close all other addresses and return them."""
        surplus = [address for address in self._open if address not in addresses]
        for address in surplus:
            for listening in self._open.pop(address).sockets:
                listening.close()
        return surplus

    def descriptors(self, address: str) -> list[int]:
        """Of the sockets of an open address."""
        return [listening.fileno() for listening in self._open[address].sockets]

    def bound(self, address: str) -> str:
        """The address with its real port."""
        return self._open[address].bound

    def _listen(self, address: str, count: int) -> Listening:
        host, port = parse_address(address)
        if port:
            self._probe(address, host, port)
        opened: list[socket.socket] = []
        with contextlib.ExitStack() as undo, _explained(address):
            for _ in range(count):
                listening = undo.enter_context(_socket(host))
                # One socket for each data thread: the kernel spreads connections, no lock is shared.
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                listening.bind((str(host), port))
                listening.listen(BACKLOG)
                port = listening.getsockname()[1]
                opened.append(listening)
            undo.pop_all()
        return Listening(opened, format_address(str(host), port))

    def _probe(self, address: str, host: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> None:
        """Bind once without SO_REUSEPORT: with it, a second FlatProxy would silently take half the connections."""
        try:
            with _explained(address), _socket(host) as probe:
                probe.bind((str(host), port))
        except AddressError as error:
            if not isinstance(error.__cause__, OSError) or error.__cause__.errno != errno.EADDRINUSE:
                raise
            others = holders(host, port, self._inodes(port))
            if others:
                names = " and ".join(map(str, others))
                raise AddressError(f"{address} is in use by {names}") from error
            if not self._inodes(port):
                raise AddressError(f"{address} is in use; who holds it cannot be seen") from error

    def _inodes(self, port: int) -> frozenset[int]:
        """Of our own sockets on a port: `0.0.0.0:80` may follow `127.0.0.1:80` in a reload."""
        return frozenset(
            os.fstat(listening.fileno()).st_ino
            for entry in self._open.values()
            for listening in entry.sockets
            if listening.getsockname()[1] == port
        )


def parse_address(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    """`127.0.0.1:80` or `[::1]:80` taken apart; raises AddressError."""
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        number = int(port)
    except ValueError as error:
        raise AddressError(f"`{text}` is not ADDRESS:PORT") from error
    if not 0 <= number <= 65535:
        raise AddressError(f"`{text}` is not ADDRESS:PORT: ports end at 65535")
    return address, number


def format_address(host: str, port: int) -> str:
    """The other way round."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _socket(host: ipaddress.IPv4Address | ipaddress.IPv6Address) -> socket.socket:
    family = socket.AF_INET6 if host.version == 6 else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if host.version == 6:
        # `[::]:80` and `0.0.0.0:80` are two addresses, and what one line says does not depend on a sysctl.
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AddressError(f"cannot listen on {address}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    match error.errno:
        case errno.EACCES:
            return "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE"
        case errno.EADDRNOTAVAIL:
            return "no interface of this machine has that address"
        case errno.EMFILE | errno.ENFILE:
            return "no file descriptor is left (`ulimit -n`)"
        case _:
            return error.strerror or str(error)
