"""The eight phases of a filter in Python: what each may see, change and answer, over real sockets."""

import json

import pytest

from tests.e2e.stand.client import Client
from tests.e2e.stand.deployment import listener, route, until, upstream
from tests.e2e.stand.service import response

DIARY = '''
import json
from pathlib import Path
from flatproxy import Exchange, Failure, Filter, Options

class Diary(Filter):
    """Writes down what it is asked, and marks what it may change."""

    name = "test.diary"

    class Options(Options):
        file: Path
        mark: str

    def note(self, phase, **more):
        with self.options.file.open("a") as file:
            file.write(json.dumps({"phase": phase, "mark": self.options.mark, **more}) + "\\n")

    def on_connect(self, exchange: Exchange):
        self.note("on_connect", peer=exchange.peer.address, identity=exchange.peer.identity)

    def on_request(self, exchange: Exchange):
        request = exchange.request
        exchange.state = self.options.mark
        exchange.shared.setdefault(str, []).append(self.options.mark)
        self.note("on_request", what=[request.method, request.host, request.path, request.query], route=exchange.route)
        request.headers.add("x-mark", self.options.mark)

    def on_request_body(self, exchange: Exchange, chunk: bytes, last: bool):
        return chunk.upper()

    def on_attempt(self, exchange: Exchange):
        self.note("on_attempt", number=exchange.attempt.number, endpoint=exchange.attempt.endpoint)
        exchange.attempt.path += self.options.mark

    def on_response(self, exchange: Exchange):
        self.note("on_response", reply=exchange.reply.status, shared=exchange.shared[str], state=exchange.state)
        exchange.response.headers.add("x-seen", self.options.mark)
        exchange.response.status = 299

    def on_response_body(self, exchange: Exchange, chunk: bytes, last: bool):
        return chunk + self.options.mark.encode() if last else None

    def on_done(self, exchange: Exchange):
        self.note("on_done", status=exchange.response.status, flag=exchange.flag, sent=exchange.response_bytes)
'''


@pytest.fixture
def diary(tmp_path):
    """Reads what was written down so far."""
    (tmp_path / "diary.py").write_text(DIARY)
    file = tmp_path / "diary.jsonl"
    file.touch()
    return lambda: [json.loads(line) for line in file.read_text().splitlines()]


def use(tmp_path, mark):
    return {"use": "./diary.py", "options": {"file": str(tmp_path / "diary.jsonl"), "mark": mark}}


async def echo(conversation):
    """Answers with what it was asked."""
    while request := await conversation.request():
        await conversation.send(response(request.body))


def test_two_filters_see_every_phase_in_order_and_the_response_in_reverse(deploy, serve, diary, tmp_path):
    service = serve(echo)
    filters = [use(tmp_path, "a"), use(tmp_path, "b")]
    proxy = deploy(
        workers=1, listeners=[listener(route(filters=filters))], upstreams=[upstream(service.address)]
    )
    with Client(proxy.address()) as client:
        told = client.get("/it?q=1", method="POST", body=b"pay")
    notes = until(
        lambda: diary() if len(diary()) == 10 else None, "each of five phases should be noted twice"
    )
    assert [(note["phase"], note["mark"]) for note in notes] == [
        *[(phase, mark) for phase in ("on_connect", "on_request", "on_attempt") for mark in "ab"],
        ("on_response", "b"), ("on_response", "a"), ("on_done", "a"), ("on_done", "b"),
    ]  # fmt: skip
    assert told.status == 299
    assert told.body == b"PAYba", "the body goes through the filters in reverse too"
    asked = service.requests[0]
    assert (asked.path, asked.body) == ("/itab?q=1", b"PAY")
    assert asked.values("x-mark") == ["a", "b"]
    assert notes[2]["what"] == ["POST", "localhost", "/it", "q=1"]
    assert notes[2]["route"] == "all"
    assert notes[4]["endpoint"] == service.address
    assert notes[6]["shared"] == ["a", "b"]
    assert (notes[6]["state"], notes[7]["state"]) == ("b", "a"), "a filter's state is its own"
    assert notes[8] == {"phase": "on_done", "mark": "a", "status": 299, "flag": "", "sent": 5}


VERDICTS = """
import asyncio
from flatproxy import Close, Exchange, Failure, Filter, Respond, Retry

class Deny(Filter):
    name = "test.deny"
    def on_request(self, exchange: Exchange) -> Respond | None:
        if exchange.request.path == "/denied":
            return Respond(403, "not you", headers={"x-reason": "policy"})

class Waits(Filter):
    name = "test.waits"
    async def on_request(self, exchange: Exchange) -> Respond | None:
        await asyncio.sleep(0.05)
        exchange.request.headers["x-waited"] = "yes"
        if exchange.request.path == "/waited":
            return Respond(401)

class Blocks(Filter):
    name = "test.blocks"
    blocking = True
    def on_request(self, exchange: Exchange) -> Respond | None:
        import time
        time.sleep(0.05)
        exchange.request.headers["x-blocked"] = "yes"

class Closes(Filter):
    name = "test.closes"
    def on_connect(self, exchange: Exchange) -> Close | None:
        return Close()

class Retries(Filter):
    name = "test.retries"
    def on_failure(self, exchange: Exchange, failure: Failure) -> Retry | Respond | None:
        if exchange.attempt.number < 3 and failure.replayable:
            return Retry(after=0.01)
        return Respond(500, f"{failure.flag} {failure.status} after {exchange.attempt.number}")
"""


@pytest.fixture
def filters(tmp_path):
    """One file for each filter, since a file holds one."""
    head, *classes = VERDICTS.split("\nclass ")
    uses = {}
    for text in classes:
        name = text.partition("(")[0].lower()
        (tmp_path / f"{name}.py").write_text(f"{head}\nclass {text}")
        uses[name] = {"use": f"./{name}.py"}
    return uses


def test_a_request_is_answered_by_a_filter(deploy, service, filters):
    proxy = deploy(
        listeners=[listener(route(filters=[filters["deny"]]))], upstreams=[upstream(service.address)]
    )
    with Client(proxy.address()) as client:
        told = client.get("/denied")
        assert (told.status, told.body, told.headers["x-reason"]) == (403, b"not you", "policy")
        assert client.get("/").status == 200
    assert len(service.requests) == 1, "the service was not asked for what was denied"


def test_filters_that_wait_or_block_do_not_hold_up_others(deploy, service, filters):
    proxy = deploy(
        workers=1,
        listeners=[listener(route(filters=[filters["deny"], filters["waits"], filters["blocks"]]))],
        upstreams=[upstream(service.address)],
    )
    clients = [Client(proxy.address()) for _ in range(8)]
    for client in clients:
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    assert {client.response().status for client in clients} == {200}
    with Client(proxy.address()) as client:
        assert client.get("/waited").status == 401
    for client in clients:
        client.close()
    assert {(*it.values("x-waited"), *it.values("x-blocked")) for it in service.requests} == {("yes", "yes")}


def test_a_connection_is_closed_by_a_filter_without_a_word(deploy, service, filters):
    proxy = deploy(
        listeners=[listener(route(filters=[filters["closes"]]))], upstreams=[upstream(service.address)]
    )
    with Client(proxy.address()) as client:
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert client.socket.recv(100) == b""
    assert not service.requests


def test_a_filter_retries_what_failed_and_has_the_last_word(deploy, filters, free_port):
    proxy = deploy(
        listeners=[listener(route(filters=[filters["retries"]]))],
        upstreams=[upstream(f"127.0.0.1:{free_port}")],
    )
    with Client(proxy.address()) as client:
        told = client.get("/", method="POST", body=b"pay")
    assert (told.status, told.body) == (500, b"CONNECT 502 after 3")
