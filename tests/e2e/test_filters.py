"""Filters in Python on the way of real requests: asked, heard, and survived."""

import json
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import httpx
import pytest

from tests.e2e.stand.deployment import listener, route, upstream

HEAD = """\
import asyncio, threading, time
from flatproxy import Close, Filter, Options, Respond, Retry

again = Retry

class Own(Filter):
    name = "acme.own"
"""


@pytest.fixture
def filtered(deploy, service, tmp_path):
    """A FlatProxy whose only route has one filter in a file with this class body, before a service that answers 200."""

    def begin(body, *, before=(), **use):
        (tmp_path / "own.py").write_text(
            HEAD + "".join(f"    {line}\n" for line in dedent(body).splitlines())
        )
        filters = [*before, {"use": "./own.py", **use}]
        return deploy(listeners=[listener(route(filters=filters))], upstreams=[upstream(service.address)])

    return begin


def get(proxy, path="/", **options):
    host, port = proxy.address()
    return httpx.get(f"http://{host}:{port}{path}", timeout=20, trust_env=False, **options)


def test_a_filter_answers_or_lets_pass(filtered, service):
    proxy = filtered("""
        class Options(Options):
            path: str

        def on_request(self, exchange):
            if exchange.request.path == self.options.path:
                return Respond(403, "not here", headers={"x-why": "path"})
    """, options={"path": "/secret"})  # fmt: skip
    refused = get(proxy, "/secret")
    assert (refused.status_code, refused.text, refused.headers["x-why"]) == (403, "not here", "path")
    assert refused.headers["content-type"] == "text/plain; charset=utf-8"
    assert get(proxy, "/open").status_code == 200
    assert [request.path for request in service.requests] == ["/open"], "what was refused reached no service"


def test_headers_are_edited_on_both_ways(filtered, service):
    proxy = filtered("""
        def on_request(self, exchange):
            exchange.request.headers["x-peer"] = exchange.peer.address
            del exchange.request.headers["x-drop"]

        def on_response(self, exchange):
            exchange.response.headers.add("x-route", exchange.route)
    """)
    answer = get(proxy, headers={"x-drop": "1", "x-keep": "2"})
    assert answer.headers["x-route"] == "all"
    (request,) = service.requests
    assert request.values("x-peer") == ["127.0.0.1"]
    assert request.values("x-drop") == []
    assert request.values("x-keep") == ["2"]


def test_filters_are_asked_in_order_and_in_reverse_for_the_response(deploy, service, tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(
            "from flatproxy import Filter\nclass Own(Filter):\n"
            f"    name = '{name}'\n"
            f"    def on_request(self, exchange):\n        exchange.request.headers.add('x-order', '{name}')\n"
            f"    def on_response(self, exchange):\n        exchange.response.headers.add('x-order', '{name}')\n"
        )
    filters = [{"use": "./a.py"}, {"use": "./b.py"}]
    proxy = deploy(listeners=[listener(route(filters=filters))], upstreams=[upstream(service.address)])
    assert get(proxy).headers.get_list("x-order") == ["b", "a"]
    assert service.requests[0].values("x-order") == ["a", "b"]


def test_bodies_pass_through_a_filter_that_wants_them(filtered, service):
    proxy = filtered("""
        def on_request_body(self, exchange, chunk, last):
            return chunk.upper()

        def on_response_body(self, exchange, chunk, last):
            return chunk + (b"!" if last else b"")
    """)
    host, port = proxy.address()
    answer = httpx.post(f"http://{host}:{port}/", content=b"abc" * 50_000, timeout=20, trust_env=False)
    assert service.requests[0].body == b"ABC" * 50_000
    assert answer.content.endswith(b"!")


def test_an_async_phase_waits_without_holding_up_the_others(filtered):
    proxy = filtered("""
        async def on_request(self, exchange):
            await asyncio.sleep(0.5)
    """)
    with ThreadPoolExecutor(20) as clients:
        statuses = list(clients.map(lambda _: get(proxy).status_code, range(20)))
    assert statuses == [200] * 20


def test_a_blocking_filter_runs_on_the_pool(filtered):
    proxy = filtered("""
        blocking = True

        def on_request(self, exchange):
            time.sleep(0.01)
            return Respond(200, threading.current_thread().name)
    """)
    assert get(proxy).text.startswith("filter-")


@pytest.mark.parametrize(
    "body",
    [
        "def on_request(self, exchange): raise RuntimeError('no')",
        "def on_request(self, exchange): return 7",
        "def on_request(self, exchange): return again()",
        "def on_request(self, exchange): exchange.request.headers['x'] = 'a\\r\\nb'",
        "def on_request(self, exchange): exchange.request.headers['content-length'] = '1'",
        "async def on_request(self, exchange): await asyncio.sleep(3600)",
        "async def on_request(self, exchange): raise RuntimeError('no')",
        "def on_response(self, exchange): raise SystemExit(1)",
    ],
    ids=["raises", "nonsense", "retry", "illegal value", "owned name", "time-out", "async raises", "exits"],
)  # fmt: skip
def test_a_filter_that_fails_fails_closed_or_open_as_the_operator_said(filtered, body):
    proxy = filtered(body, timeout="200ms")
    answer = get(proxy)
    assert (answer.status_code, answer.headers["x-flatproxy-flag"]) == (503, "FILTER")
    config = json.loads(proxy.file.read_text())
    config["listeners"][0]["routes"][0]["filters"][0]["fail"] = "open"
    proxy.file.write_text(json.dumps(config))
    assert proxy.reload()[0] == 0
    assert get(proxy).status_code == 200, "the operator would rather do without it"


def test_what_an_exchange_remembers_is_its_own_until_it_is_done(filtered):
    proxy = filtered("""
        def open(self, host):
            self.seen = host.metrics.counter("seen_total", "Seen.", ["path", "flag"])

        def on_request(self, exchange):
            exchange.state = exchange.request.path

        def on_done(self, exchange):
            self.seen.add(path=exchange.state, flag=exchange.flag)
    """)
    for path in ("/a", "/b", "/a"):
        get(proxy, path)
    assert proxy.metric("flatproxy_filter_acme_own_seen_total", path="/a") == 2
    assert proxy.metric("flatproxy_filter_acme_own_seen_total", path="/b") == 1


def test_a_filter_retries_what_failed(deploy, serve, tmp_path):
    async def second_time_lucky(conversation):
        while await conversation.request():
            if len(conversation.service.requests) == 1:
                conversation.reset()
                return
            await conversation.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    (tmp_path / "own.py").write_text(
        HEAD + "    def on_failure(self, exchange, failure):\n"
        "        return Retry() if failure.safe and failure.replayable and exchange.attempt.number < 3 else None\n"
    )
    service = serve(second_time_lucky)
    proxy = deploy(
        listeners=[listener(route(filters=[{"use": "./own.py"}]))], upstreams=[upstream(service.address)]
    )
    assert get(proxy).status_code == 200
    assert len(service.requests) == 2


def test_a_connection_can_be_closed_before_it_says_anything(filtered):
    proxy = filtered("def on_connect(self, exchange): return Close()")
    with pytest.raises(httpx.TransportError):
        get(proxy)
    assert proxy.metric("flatproxy_flagged_requests_total", flag="DENY") <= 1


def test_state_survives_a_reload_that_keeps_the_options(filtered):
    proxy = filtered("""
        def open(self, host):
            self.count = 0

        def on_request(self, exchange):
            self.count += 1
            return Respond(200, str(self.count))
    """)
    assert get(proxy).text == "1"
    assert proxy.reload()[0] == 0
    assert get(proxy).text == "2", "a reload is no reason to forget"
