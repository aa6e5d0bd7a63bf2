"""A proxy process without a native core, for the tests of the supervisor: a real process that answers on real sockets.

    python echo_proxy.py CONTROL_SOCKET CONFIG.json

CONFIG.json: {"listeners": {"web": "127.0.0.1:0"}, "text": "hello", "sockets": 2, "drain": 5} and, to misbehave,
"errors": [...], "die": true, "hang_on_reload": true, "babble": true. A connection is answered with `text` and the
process' pid after its first line; the line `wait` is answered when a second one comes.
"""

import json
import os
import selectors
import signal
import socket
import sys
from pathlib import Path

from flatproxy.core.channel import Channel
from flatproxy.core.control import ControlSocket
from flatproxy.core.messages import Cause, Drain, Refused, Reload, Serving, Sockets, WantSockets
from flatproxy.core.supervisor import Supervisor


class Echo:
    """Answers every line with the text of its configuration."""

    def __init__(self, channel: Channel, config: Path, kept: bytes | None) -> None:
        self.channel, self.config = channel, config
        self.listening: dict[str, list[socket.socket]] = {}
        self.open: set[socket.socket] = set()
        self.text = ""
        self.selector = selectors.DefaultSelector()
        self.selector.register(channel._connection, selectors.EVENT_READ, self.on_channel)
        self.draining = False
        self.refused = not self.use(kept or config.read_bytes(), "start")

    def use(self, content: bytes, cause: Cause) -> bool:
        wish = json.loads(content)
        if wish.get("die"):
            os.kill(os.getpid(), signal.SIGKILL)
        if wish.get("babble"):
            self.channel.send(Drain(1))
        while wish.get("hang_on_reload") and cause == "reload":
            signal.pause()
        errors = wish.get("errors") or self.listen(wish)
        if errors:
            self.channel.send(Refused(errors, cause))
            return False
        self.text = wish.get("text", "")
        listeners = [{"name": name, "listen": listen} for name, listen in wish["listeners"].items()]
        self.channel.send(Serving(content, listeners, None, wish.get("drain", 5), cause))
        return True

    def listen(self, wish: dict) -> list[str]:
        addresses = list(wish["listeners"].values())
        self.channel.send(WantSockets(dict.fromkeys(addresses, wish.get("sockets", 2))))
        answer, descriptors = self.channel.receive()
        assert isinstance(answer, Sockets)
        if answer.errors:
            return answer.errors
        self.stop_listening()
        for address, count in answer.counts.items():
            mine, descriptors = descriptors[:count], descriptors[count:]
            self.listening[address] = [socket.socket(fileno=one) for one in mine]
            for one in self.listening[address]:
                self.selector.register(one, selectors.EVENT_READ, lambda one=one: self.accept(one))
        return []

    def stop_listening(self) -> None:
        for sockets in self.listening.values():
            for one in sockets:
                self.selector.unregister(one)
                one.close()
        self.listening = {}

    def accept(self, listening: socket.socket) -> None:
        connection, _ = listening.accept()
        self.open.add(connection)
        self.selector.register(connection, selectors.EVENT_READ, lambda: self.answer(connection))

    def answer(self, connection: socket.socket) -> None:
        line = connection.recv(100)
        if line == b"wait\n":
            connection.sendall(b"waiting\n")
            return
        if line:
            connection.sendall(f"{self.text} {os.getpid()}\n".encode())
        self.selector.unregister(connection)
        self.open.discard(connection)
        connection.close()

    def on_channel(self) -> None:
        received = self.channel.receive()
        match received:
            case (Reload(), _):
                self.use(self.config.read_bytes(), "reload")
            case (Drain(), _) | None:
                self.stop_listening()
                self.draining = True

    def serve(self) -> int:
        if self.refused:
            return 1
        while not self.draining or self.open:
            for key, _ in self.selector.select():
                key.data()
        return 0


if __name__ == "__main__":
    path = Path(sys.argv[2])
    supervisor = Supervisor(
        lambda channel, kept: Echo(channel, path, kept).serve(),
        ControlSocket(Path(sys.argv[1])),
        lambda addresses: print(json.dumps(addresses), flush=True),
    )
    sys.exit(supervisor.run())
