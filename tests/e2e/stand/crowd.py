"""A thousand clients that behave badly, all on one thread; and what it means to stay alive meanwhile."""

import asyncio
import collections
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Self

from tests.e2e.stand.client import Neighbour
from tests.e2e.stand.deployment import Deployment, until

MEBIBYTE = 1024 * 1024
# What "alive" means, see docs/security.md.
GROWTH_BYTES = 64 * MEBIBYTE
REMAINS_BYTES = 12 * MEBIBYTE
RETURN_SECONDS = 20.0
# The neighbour and the crowd may share a core with the proxy: this says "not stalled", not "fast".
SLOWEST_SECONDS = 2.0
LOOK_SECONDS = 0.05
HERE = "/here"  # answered by the proxy itself


class Member:
    """One connection of a crowd."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        """Write all of it, for as long as that takes."""
        await self._loop.sock_sendall(self._socket, data)

    async def receive(self, most: int) -> bytes:
        """What has come, at most so much of it; nothing when the connection has ended."""
        return await self._loop.sock_recv(self._socket, most)

    async def rest(self) -> bytes:
        """All that still comes until the proxy closes or resets."""
        heard = b""
        with contextlib.suppress(ConnectionError):
            while more := await self.receive(65536):
                heard += more
        return heard


# What each of them does. What it returns is counted; so is the name of an error of its connection.
Manner = Callable[[Member], Awaitable[str]]


class Crowd:
    """So many connections, opened at once. Leaving the `with` closes those that still are."""

    def __init__(
        self, address: tuple[str, int], size: int, manner: Manner, *, receive_buffer: int = 0
    ) -> None:
        self._address, self._manner, self._receive_buffer = address, manner, receive_buffer
        self.size = size
        self.present = 0  # connected and not through yet
        self.came = 0
        self.outcomes: collections.Counter[str] = collections.Counter()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True)
        self._dispersing = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._dispersing.set()
        self._thread.join()

    def gathered(self) -> None:
        """Wait until every one of them has connected."""
        until(lambda: self.came == self.size, f"all {self.size} should be connected, {self.came} are")

    def through(self, seconds: float = 20.0) -> collections.Counter[str]:
        """Wait until every one of them has done what it came for, or was sent away."""
        until(
            lambda: self.outcomes.total() == self.size,
            f"all {self.size} should be through: {self.outcomes}",
            seconds,
        )
        return self.outcomes

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as members:
            tasks = [members.create_task(self._be()) for _ in range(self.size)]
            await asyncio.to_thread(self._dispersing.wait)
            for task in tasks:
                task.cancel()

    async def _be(self) -> None:
        with socket.socket() as connection:
            connection.setblocking(False)
            if self._receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
            try:
                await asyncio.get_running_loop().sock_connect(connection, self._address)
                self.came += 1
                self.present += 1
                self.outcomes[await self._manner(Member(connection))] += 1
            except OSError as error:
                self.outcomes[type(error).__name__] += 1
            finally:
                self.present -= 1


def answered(heard: bytes) -> str:
    """The status of the first response in it; nothing when there is none."""
    return heard[9:12].decode("latin-1") if heard.startswith(b"HTTP/1.1 ") else ""


class Watch:
    """Looks at the memory of a proxy all the time, for its peak."""

    def __init__(self, proxy: Deployment) -> None:
        self._proxy = proxy
        self.before = self.peak = proxy.memory()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        """Bytes more than at the beginning, at the peak."""
        return self.peak - self.before

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.peak = max(self.peak, self._proxy.memory())


@contextlib.contextmanager
def alive(proxy: Deployment) -> Iterator[None]:
    """Whatever happens inside: the same process, neighbours served, memory bounded, and given back afterwards.

    One neighbour asks a service; the other one `HERE`, where no busy service of the test can hold it up.
    """
    with Neighbour(proxy.address()) as usual:
        until(lambda: usual.answered >= 10, "an undisturbed neighbour should be served")
    began = born(proxy)
    with Watch(proxy) as watch:
        with Neighbour(proxy.address()) as served, Neighbour(proxy.address(), HERE) as neighbour:
            yield
            asked = served.answered
            until(lambda: served.failures or served.answered >= asked + 4, "it should be served afterwards")
        assert born(proxy) == began, "the proxy process should have lived through it"
        gives_back(proxy, watch.before)
    assert watch.grown < GROWTH_BYTES, f"memory should not grow by {watch.grown / MEBIBYTE:.1f} MiB"
    assert neighbour.slowest < SLOWEST_SECONDS, f"the neighbour once waited for {neighbour.slowest:.3f} s"


def gives_back(proxy: Deployment, before: int, remains: int = REMAINS_BYTES) -> None:
    """Memory is what it was, but for a little, soon afterwards."""
    deadline = time.monotonic() + RETURN_SECONDS
    while (more := proxy.memory() - before) > remains and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    assert more <= remains, (
        f"{more / MEBIBYTE:.1f} MiB should not be kept {RETURN_SECONDS:.0f} s after it was needed"
    )


def born(proxy: Deployment) -> str:
    """When the proxy process began: another one under the same id would have another time."""
    return Path(f"/proc/{proxy.proxy_pid}/stat").read_text().rpartition(")")[2].split()[19]
