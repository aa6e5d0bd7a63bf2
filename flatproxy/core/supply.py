"""The proxy's end of the channel: listening descriptors from the supervisor, and a thread that hears what it says."""

import os
import queue
import threading
from collections.abc import Callable

from flatproxy.core.channel import Channel, close_all
from flatproxy.core.messages import Drain, Message, ProtocolError, Reload, Sockets, WantSockets

# Told what the supervisor wants; None: it is gone. Called on the thread that reads.
Hear = Callable[[Reload | Drain | None], None]


class Supply:
    """Owns the listening descriptors of this process."""

    def __init__(self, channel: Channel, hear: Hear) -> None:
        self._channel = channel
        self._hear = hear
        self._answers: queue.SimpleQueue[tuple[Sockets, list[int]] | None] = queue.SimpleQueue()
        self._open: dict[str, list[int]] = {}
        threading.Thread(target=self._read, name="channel", daemon=True).start()

    def ensure(self, wanted: dict[str, int]) -> list[str]:
        """Have descriptors of all these addresses; returns errors, then nothing new is open."""
        missing = {address: count for address, count in wanted.items() if address not in self._open}
        if not missing:
            return []
        self.tell(WantSockets(missing))
        answer = self._answers.get()
        if answer is None:
            return ["the supervisor is gone"]
        sockets, descriptors = answer
        for address, count in sockets.counts.items():
            self._open[address], descriptors = descriptors[:count], descriptors[count:]
        return sockets.errors

    def keep_only(self, addresses: set[str]) -> None:
        """Close the descriptors of all other addresses."""
        for address in self._open.keys() - addresses:
            close_all(self._open.pop(address))

    def of(self, addresses: list[str]) -> dict[str, list[int]]:
        """The descriptors of addresses that are open; they stay ours."""
        return {address: self._open[address] for address in addresses}

    def copy(self, address: str) -> int:
        """One more descriptor of an address' first socket, the caller's to close."""
        return os.dup(self._open[address][0])

    def tell(self, message: Message) -> None:
        """Send to the supervisor; that it is gone is heard, not raised."""
        try:
            self._channel.send(message)
        except OSError:
            return

    def _read(self) -> None:
        try:
            while (received := self._channel.receive()) is not None:
                match received:
                    case (Sockets() as sockets, descriptors):
                        self._answers.put((sockets, descriptors))
                    case (Reload() | Drain() as wish, _):
                        self._hear(wish)
        except (OSError, ProtocolError):
            pass  # as good as gone
        self._answers.put(None)
        self._hear(None)
