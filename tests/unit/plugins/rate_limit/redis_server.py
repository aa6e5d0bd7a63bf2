"""A real Redis on a port of its own: started, stopped for a while, killed, started anew on the same port."""

import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import redis

WAIT_SECONDS = 20.0


class RedisServer:
    """`redis-server` with nothing on disk. Leaving the `with` kills it."""

    def __init__(self, folder: Path, port: int, *arguments: str, password: str = "") -> None:
        self.socket = folder / "redis.sock"
        self.port = port
        self._password = password
        secret = ("--requirepass", password) if password else ()
        self._command = [
            "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket),
            "--save", "", "--appendonly", "no", "--dir", str(folder), *secret, *arguments,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(self.socket))
                    probe.sendall(b"PING\r\n")
                    assert probe.recv(64)
                    return
            except OSError:
                assert time.monotonic() < deadline, "redis-server should listen"
                assert self._process.poll() is None, "redis-server should run"
                time.sleep(0.01)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self.socket.unlink(missing_ok=True)

    def stop(self) -> None:
        """It accepts, and never answers, until `go_on`."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str | int) -> Any:
        """What it answers to a command."""
        with redis.Redis(unix_socket_path=str(self.socket), password=self._password or None) as client:
            return client.execute_command(*command)
