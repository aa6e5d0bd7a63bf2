"""Sends questions to the service and reads its answers. I/O, and no opinion about what they mean.

A transport of httpx and no client: a client would keep the cookies that the service sets for one user and send them
with the question about the next, follow redirects, and take a proxy from the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import httpx

from flatproxy.plugins.ext_authz.answer import Answer, NoAnswerError

if TYPE_CHECKING:
    import ssl

    from flatproxy.plugins.ext_authz.options import ExtAuthzOptions
    from flatproxy.plugins.ext_authz.question import Question

IDLE_SECONDS = 30.0
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
        if self._transport is not None and self._loop is not None:
            with contextlib.suppress(
                RuntimeError
            ):  # the asyncio thread has ended, and its connections with it
                asyncio.run_coroutine_threadsafe(self._transport.aclose(), self._loop)

    async def ask(self, question: Question) -> Answer:
        """Ask, within the time-out. Raises `NoAnswerError`."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                try:
                    return await self._send(question)
                except _LOST:
                    return await self._send(question)
        except TimeoutError:
            raise NoAnswerError(f"no answer within {self._seconds:g} s") from None
        except (httpx.ConnectError, OSError) as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}"[:200]) from error
        # Nonsense of the service, or what cannot be sent. Such an error quotes headers: its text is for nobody's log.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NoAnswerError(type(error).__name__) from None

    async def _send(self, question: Question) -> Answer:
        assert self._transport is not None, "opened first"
        # As bytes: the path has been normalised, and nobody may normalise it again.
        url = self._url.copy_with(
            raw_path=self._path.rstrip(b"/") + question.target if question.target else self._path
        )
        request = httpx.Request(question.method, url, headers=[*self._usual, *question.headers])
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
