"""Who listens on a TCP port: read from /proc, so that "address in use" can name the process."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"  # TCP_LISTEN in include/net/tcp_states.h, as /proc/net/tcp prints it
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Holder:
    """A process with a listening socket; no pid when we may not look into it."""

    pid: int | None
    command: str

    def __str__(self) -> str:
        return self.command if self.pid is None else f"process {self.pid} ({self.command})"


def holders(host: Address, port: int, ours: frozenset[int] = frozenset()) -> list[Holder]:
    """Those who listen where a socket for `host:port` would clash. `ours`: inodes of sockets that do not count."""
    inodes = {inode for inode in _listening(host, port) if inode not in ours}
    found = {inode: pid for pid, inode in _sockets_of_processes(inodes)}
    known = [Holder(pid, _command(pid)) for pid in sorted(set(found.values()))]
    if inodes - found.keys():
        known.append(Holder(None, "a process that we may not look into; root can see which"))
    return known


def _listening(host: Address, port: int) -> Iterator[int]:
    for table in ("tcp", "tcp6"):
        for line in _lines(Path("/proc/net") / table):
            fields = line.split()
            address, _, number = fields[1].partition(":")
            if fields[3] == _LISTEN and int(number, 16) == port and _clash(host, _parse(address)):
                yield int(fields[9])


def _lines(table: Path) -> list[str]:
    try:
        return table.read_text().splitlines()[1:]
    except OSError:
        return []


def _parse(hexadecimal: str) -> Address:
    # Words of 32 bits, each in the byte order of the machine that prints them.
    words = bytes.fromhex(hexadecimal)
    swapped = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
    address = ipaddress.ip_address(swapped)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _clash(host: Address, other: Address) -> bool:
    if host.version == other.version:
        return host == other or host.is_unspecified or other.is_unspecified
    # `::` may take IPv4 connections as well.
    return isinstance(other, ipaddress.IPv6Address) and other.is_unspecified


def _sockets_of_processes(inodes: set[int]) -> Iterator[tuple[int, int]]:
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    for process in Path("/proc").iterdir() if wanted else ():
        if not process.name.isdigit():
            continue
        for target in _descriptors(process / "fd"):
            if target in wanted:
                yield int(process.name), wanted[target]


def _descriptors(folder: Path) -> Iterator[str]:
    try:
        for link in folder.iterdir():
            try:
                yield str(link.readlink())
            except OSError:
                continue  # closed since
    except OSError:
        return  # ended since, or not ours to see


def _command(pid: int) -> str:
    try:
        words = (Path("/proc") / str(pid) / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return "ended since"
    text = b" ".join(words).decode(errors="replace")
    return text if len(text) <= 120 else text[:117] + "..."
