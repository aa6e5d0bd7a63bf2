"""Runs the admin application on a thread of its own. A failure here is logged and never reaches the data threads."""

import asyncio
import threading
import traceback

from flatproxy.core import log
from flatproxy.core.proxy import Proxy
from flatproxy.core.sockets import parse_address

GRACE_SECONDS = 1.0
STOP_SECONDS = 5.0


def start(proxy: Proxy, listen: str, descriptor: int, token: str | None) -> "AdminThread":
    """Serve on a listening descriptor, which is ours from now on."""
    host, _ = parse_address(listen)
    if token is None and not host.is_loopback:
        raise ValueError(f"the admin address {listen} is not on loopback: it needs a token")
    return AdminThread(proxy, listen, descriptor, token)


class AdminThread:
    """The thread, its event loop, and how to end them."""

    def __init__(self, proxy: Proxy, listen: str, descriptor: int, token: str | None) -> None:
        self._proxy = proxy
        self._listen = listen
        self._descriptor = descriptor
        self._token = token
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="admin", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the address and end the thread; what is being answered gets a second to finish."""
        try:
            self._loop.call_soon_threadsafe(self._stopping.set)
        except RuntimeError:
            return  # it ended by itself
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # noqa: BLE001  traffic goes on without an admin address
            traceback.print_exc()
            log.event("admin_failed", repr(error), level="error", listen=self._listen)
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        # Late, on this thread: the web framework takes longer to import than the data plane takes to serve.
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        from flatproxy.admin.application import application
        from flatproxy.admin.guard import Guard

        config = Config()
        config.bind = [f"fd://{self._descriptor}"]
        config.accesslog = None
        config.errorlog = None
        config.graceful_timeout = GRACE_SECONDS
        config.include_server_header = False
        app = application(self._proxy, Guard(self._listen, self._token))
        await serve(app, config, shutdown_trigger=self._stopping.wait, mode="asgi")  # type: ignore[arg-type]
