"""Sends questions to the service and reads its answers. I/O, and no opinion about what they mean.

A transport of httpx and no client: a client would keep the cookies that the service sets for one user and send them
with the question about the next, follow redirects, and take a proxy from the environment.

What has begun on a connection is never cancelled from outside: a pool of httpcore loses the place of a connection whose
question is cancelled just as it is given one. Who asks stops listening; the question ends by its own time-outs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from flatproxy.plugins.ext_authz.answer import Answer, NoAnswerError

if TYPE_CHECKING:
    import ssl

    from flatproxy.plugins.ext_authz.options import ExtAuthzOptions
    from flatproxy.plugins.ext_authz.question import Question

IDLE_SECONDS = 30.0
# Times the time-out, after which a question that nobody listens to is ended the hard way.
LONGEST = 4
# A connection that had been idle may end just as it is used again: the question is asked once more, on another.
_LOST = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class Service:
    """One service and its pool of connections. Everything but `close` is called on the asyncio thread."""

    def __init__(self, options: ExtAuthzOptions) -> None:
        self._url = httpx.URL(options.url)
        self._path = self._url.raw_path
        self._seconds = options.timeout.total_seconds()
        self._most = options.connections
        self._longest = options.body
        self._options = options
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._places = asyncio.Semaphore(self._most)
        self._tasks: set[asyncio.Task[Answer]] = set()
        self._limits = {"timeout": httpx.Timeout(self._seconds).as_dict()}
        host = self._url.netloc
        self._usual = [(b"host", host), (b"accept-encoding", b"identity"), (b"user-agent", b"flatproxy")]

    def open(self) -> None:
        """Read the certificates. Raises OSError or ValueError (ssl.SSLError) for those that are none."""
        self._transport = httpx.AsyncHTTPTransport(
            verify=_trust(self._options),
            trust_env=False,
            limits=httpx.Limits(
                max_connections=self._most,
                max_keepalive_connections=self._most,
                keepalive_expiry=IDLE_SECONDS,
            ),
        )

    def close(self) -> None:
        """Close the connections, soon; from any thread."""
        transport, self._transport = self._transport, None
        if transport is not None and self._loop is not None and self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._end(transport), self._loop)

    async def _end(self, transport: httpx.AsyncHTTPTransport) -> None:
        """Close the connections, whatever is still under way on them."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await transport.aclose()

    async def ask(self, question: Question) -> Answer:
        """Ask, within the time-out. Raises `NoAnswerError`."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                # One place for each connection, so that nobody waits within the pool.
                await self._places.acquire()
                return await asyncio.shield(self._begin(question))
        except (TimeoutError, httpx.TimeoutException):
            raise NoAnswerError(f"no answer within {self._seconds:g} s") from None
        except (httpx.ConnectError, OSError) as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}"[:200]) from error
        # Nonsense of the service, or what cannot be sent. Such an error quotes headers: its text is for nobody's log.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NoAnswerError(type(error).__name__) from None

    def _begin(self, question: Question) -> asyncio.Task[Answer]:
        task = asyncio.ensure_future(self._sent(question))
        self._tasks.add(task)  # a task that nobody holds may be collected
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        self._places.release()
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not tell of it where nobody listens any more

    async def _sent(self, question: Question) -> Answer:
        # The time-outs within are for one read or write each: a service that drips must end too.
        async with asyncio.timeout(LONGEST * self._seconds):
            try:
                return await self._send(question)
            except _LOST:
                return await self._send(question)

    async def _send(self, question: Question) -> Answer:
        assert self._transport is not None, "opened first"
        # As bytes: the path has been normalised, and nobody may normalise it again.
        url = self._url.copy_with(
            raw_path=self._path.rstrip(b"/") + question.target if question.target else self._path
        )
        lines = [*self._usual, *question.headers]
        request = httpx.Request(question.method, url, headers=lines, extensions=self._limits)
        response = await self._transport.handle_async_request(request)
        try:
            body = await self._read(response)
        finally:
            await response.aclose()
        return Answer(response.status_code, tuple(response.headers.raw), body)

    async def _read(self, response: httpx.Response) -> bytes | None:
        """Read the body; None when it is longer than anybody is told: the rest is not waited for."""
        body = b""
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._longest:
                return None
        return body


def _trust(options: ExtAuthzOptions) -> ssl.SSLContext | bool:
    if not options.url.startswith("https:"):
        return False
    import ssl  # here: most services in a mesh are asked without

    trust = ssl.create_default_context(cafile=options.ca)
    if options.certificate is not None:
        trust.load_cert_chain(options.certificate.cert, options.certificate.key)
    return trust
