"""nginx, from Debian, as a proxy."""

from bench.peers.base import Peer, Setup, find, first_line


class Nginx(Peer):
    """The most widely used of all."""

    name = "nginx"

    def absent(self) -> str | None:
        return None if find("nginx") else "nginx is not installed: apt-get install nginx"

    def version(self) -> str:
        return first_line(str(find("nginx")), "-v").rpartition("/")[2]

    def command(self, setup: Setup) -> list[str]:
        config = self.write("nginx.conf.tmpl", setup, "nginx-peer.conf")
        return [str(find("nginx")), "-c", str(config), "-p", str(setup.folder)]
