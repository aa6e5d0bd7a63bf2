"""No proxy: the load speaks to the service itself. What is left over is the floor of every other figure."""

from bench.peers.base import Peer, Setup


class Direct(Peer):
    """The peer that is none."""

    name = "direct"
    proxies = False

    def absent(self) -> str | None:
        return None

    def version(self) -> str:
        return "no proxy"

    def command(self, setup: Setup) -> list[str]:
        raise NotImplementedError("there is nothing to start between the load and the service")
