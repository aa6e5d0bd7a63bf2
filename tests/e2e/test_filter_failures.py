"""Filters in Python that do what they must not: a clear error, the operator's policy, and the proxy serving on."""

import textwrap

import pytest

from tests.e2e.stand.client import Client, Cut, Neighbour
from tests.e2e.stand.deployment import listener, route, until, upstream

HEAD = (
    "import time\nfrom flatproxy import Close, Exchange, Failure, Filter, Respond, Retry\n\nagain = Retry\n\n"
)

# What a filter does in `on_request`, and what the log says of it.
MISTAKES = {
    "raises": ('raise ValueError("no way")', "on_request: ValueError: no way"),
    "returns nonsense": ("return 42", "on_request returned int; it may return Respond or None"),
    "returns a verdict of another phase": ("return again()", "on_request returned Retry"),
    "loops": ("while True: pass", "on_request: not done within 0.2 s"),
    "loops and swallows errors": (
        """
        while True:
            try:
                while True: pass
            except Exception: pass
        """,
        "on_request: not done within 0.2 s",
    ),
    "splits the head": ('exchange.request.headers["x-a"] = "b\\r\\nx-c: d"', "has control characters"),
    "puts a NUL into the head": ('exchange.request.headers.add("x-a", "b\\0")', "has control characters"),
    "adds a pseudo header": ('exchange.request.headers[":path"] = "/"', "has no legal name"),
    "changes the framing": ('exchange.request.headers["Content-Length"] = "0"', "belongs to the core"),
    "changes what was not sent yet": ('exchange.response.status = 200', "it can be changed in on_response only"),
    "exits": ("raise SystemExit(1)", "on_request: SystemExit: 1"),
    "recurses for ever": ("return self.on_request(exchange)", "RecursionError"),
    "waits for ever": ("ASYNC import asyncio; await asyncio.Event().wait()", "on_request was not done in time"),
    "raises while it waits": (
        'ASYNC import asyncio; await asyncio.sleep(0.01); raise ValueError("late")',
        "on_request: ValueError: late",
    ),
}  # fmt: skip


def filter_file(folder, name, code, phase="on_request", arguments="exchange"):
    """A filter with one phase that does this."""
    asynchronous = code.startswith("ASYNC ")
    body = textwrap.dedent(code.removeprefix("ASYNC ")).strip()
    method = f"{'async ' if asynchronous else ''}def {phase}(self, {arguments}):"
    text = f'class It(Filter):\n    name = "test.{name}"\n\n    {method}\n{textwrap.indent(body, " " * 8)}\n'
    path = folder / f"{name}.py"
    path.write_text(HEAD + text)
    return f"./{path.name}"


def words(text):
    return "".join(letter if letter.isalpha() else "_" for letter in text.lower())


def logged(proxy, text):
    """Lines of the log with that text."""
    return [line for line in proxy.program.lines if text in line]


@pytest.fixture
def mistaken(deploy, service, tmp_path):
    """A route for each mistake, closed under /closed and open under /open, and one without filters."""
    routes = [route()]
    for what, (code, _) in MISTAKES.items():
        use = {"use": filter_file(tmp_path, words(what), code), "timeout": "200ms"}
        for fail in ("closed", "open"):
            path = {"path": {"exact": f"/{fail}/{words(what)}"}}
            routes.append(route(f"{fail}_{words(what)}", match=path, filters=[{**use, "fail": fail}]))
    return deploy(workers=1, listeners=[listener(*routes)], upstreams=[upstream(service.address)])


def test_what_a_filter_must_not_do_is_told_answered_by_policy_and_hurts_nobody(mistaken):
    with Neighbour(mistaken.address()), Client(mistaken.address()) as client:
        for what, (_, told) in MISTAKES.items():
            closed = client.get(f"/closed/{words(what)}")
            assert (closed.status, closed.flag) == (503, "FILTER"), f"a filter that {what} fails closed"
            assert client.get(f"/open/{words(what)}").status == 200, (
                f"a filter that {what}, with `fail: open`, is skipped"
            )
            until(
                lambda told=told: logged(mistaken, told),
                f"of a filter that {what} the log should say: {told}",
            )
            name = f"test.{words(what)}"
            assert mistaken.metric("flatproxy_filter_failures_total", filter=name, phase="on_request") == 2


def test_the_trace_of_a_failure_is_told_once(mistaken):
    with Client(mistaken.address()) as client:
        for _ in range(20):
            client.get("/closed/raises")
    lines = until(lambda: logged(mistaken, '"filter_failed"'), "the failure should be told")
    assert len(lines) == 1, "the first is told with its trace, the others are only counted"
    assert 'raise ValueError(\\"no way\\")' in lines[0], "the trace shows the line"


# === each phase ===

PHASES = {
    "on_connect": "exchange",
    "on_request": "exchange",
    "on_request_body": "exchange, chunk, last",
    "on_attempt": "exchange",
    "on_response": "exchange",
}


@pytest.mark.parametrize(("phase", "arguments"), PHASES.items())
def test_a_filter_that_raises_in(phase, arguments, deploy, service, tmp_path):
    use = filter_file(tmp_path, "boom", 'raise ValueError("boom")', phase, arguments)
    proxy = deploy(listeners=[listener(route(filters=[{"use": use}]))], upstreams=[upstream(service.address)])
    with Client(proxy.address()) as client:
        told = client.get("/", method="POST", body=b"pay")
    assert (told.status, told.flag) == (503, "FILTER")


def test_a_filter_that_raises_in_the_response_body_cuts_it_visibly(deploy, service, tmp_path):
    use = filter_file(tmp_path, "boom", "raise ValueError", "on_response_body", "exchange, chunk, last")
    proxy = deploy(listeners=[listener(route(filters=[{"use": use}]))], upstreams=[upstream(service.address)])
    with Client(proxy.address()) as client, pytest.raises((Cut, ConnectionResetError)):
        client.get()


def test_a_filter_that_raises_when_all_is_over_changes_nothing(deploy, service, tmp_path):
    use = filter_file(tmp_path, "boom", "raise ValueError", "on_done")
    proxy = deploy(listeners=[listener(route(filters=[{"use": use}]))], upstreams=[upstream(service.address)])
    with Client(proxy.address()) as client:
        assert {client.get().status for _ in range(3)} == {200}


def test_a_body_that_grows_beyond_the_limit_is_refused(deploy, service, tmp_path):
    use = filter_file(tmp_path, "grows", "return chunk * 100", "on_request_body", "exchange, chunk, last")
    proxy = deploy(
        limits={"held_body": "64KiB"},
        listeners=[listener(route(filters=[{"use": use}]))],
        upstreams=[upstream(service.address)],
    )
    with Client(proxy.address()) as client:
        assert client.get("/", method="POST", body=b"x" * 100).status == 200
    with Client(proxy.address()) as client:
        told = client.get("/", method="POST", body=b"x" * 10_000)
    assert (told.status, told.flag) == (503, "FILTER")
