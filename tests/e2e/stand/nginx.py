"""nginx as a service: a server that reads paths by its own rules, not by ours."""

import subprocess
from pathlib import Path
from typing import Self

from tests.conftest import find_program
from tests.e2e.stand.deployment import until

CONFIG = """\
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {locations}
    }}
}}
"""


class Nginx:
    """One worker on a port, with these locations, until the `with` is left."""

    def __init__(self, folder: Path, port: int, locations: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self._pid = folder / "nginx.pid"
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=folder, port=port, locations=locations))
        self._command = [str(find_program("nginx")), "-e", "stderr", "-p", str(folder), "-c", str(config)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        until(self._pid.exists, "nginx should run")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
