"""HAProxy, from Debian."""

from bench.peers.base import Peer, Setup, find, first_line


class HaProxy(Peer):
    """The lightest of the general proxies."""

    name = "haproxy"

    def absent(self) -> str | None:
        return None if find("haproxy") else "haproxy is not installed: apt-get install haproxy"

    def version(self) -> str:
        return first_line(str(find("haproxy")), "-v").split(" ")[2]

    def command(self, setup: Setup) -> list[str]:
        self.write("haproxy-routes.map.tmpl", setup)
        config = self.write("haproxy.cfg.tmpl", setup)
        haproxy = [str(find("haproxy")), "-db", "-f", str(config)]
        if not setup.log:
            return haproxy
        # HAProxy logs to a descriptor; a shell that replaces itself gives it the file.
        return ["sh", "-c", f'exec "$@" >>{setup.folder / "access.log"}', "sh", *haproxy]
