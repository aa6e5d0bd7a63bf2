"""How a member of a crowd may behave, where more than one test wants it to."""

import asyncio
import contextlib
import random

from tests.e2e.stand.crowd import Member

BEGINNINGS = (
    b"GET /steady HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET /steady/large HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"POST /shaky HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50000\r\n\r\n" + bytes(50000),
    b"POST /steady HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),  # of a TLS handshake
)


async def aborts(member: Member) -> str:
    """Sends as much of a request, and reads as much of the answer, as chance will have it, and is gone."""
    data = random.choice(BEGINNINGS)
    await member.send(data[: random.randint(1, len(data))])
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(random.random() / 2):
            for _ in range(random.randint(0, 5)):
                await member.receive(random.randint(1, 65536))
    return "gone"


async def dawdles(member: Member) -> str:
    """Never ends its head, or reads a large answer in drops."""
    await member.send(b"GET /steady/large HTTP/1.1\r\nhost: localhost\r\n" + random.choice([b"\r\n", b""]))
    for _ in range(8):
        await asyncio.sleep(0.3)
        await member.receive(1000)
    return "tired"
