"""What an exchange tells about itself to whoever traces it: its trace, and what its filters cost."""

import asyncio

import pytest

from flatproxy import Filter
from flatproxy.api.testing import drive


class Traces(Filter):
    name = "traces"

    def on_request(self, exchange):
        assert exchange.trace_id == "", "no trace was named yet"
        assert exchange.filter_seconds == {}, "nobody measures yet"
        exchange.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
        exchange.measure_filters()

    def on_done(self, exchange):
        exchange.log.info("done", trace=exchange.trace_id, seconds=exchange.filter_seconds)
        assert exchange.filter_seconds["waits"] >= 0.01, "the time that it waits should be counted"
        assert "quick" in exchange.filter_seconds


class Waits(Filter):
    name = "waits"

    async def on_request(self, exchange):
        await asyncio.sleep(0.01)
        assert exchange.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736", "it goes on with the same trace"


class Quick(Filter):
    name = "quick"

    def on_request(self, exchange):
        exchange.request.headers["x-trace"] = exchange.trace_id


def test_filters_see_the_trace_and_what_each_of_them_took():
    done = drive(Traces, Waits, Quick)
    assert (done.response.status, done.detail) == (200, "")
    assert done.attempts[0].header("x-trace") == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert [line.message for line in done.log] == ["done"], "no phase should have failed"


@pytest.mark.parametrize("bad", ["two words", "a\r\nb", "\0", "é", "x" * 65])
def test_what_would_break_a_log_line_is_no_trace_id(bad):
    class Names(Filter):
        name = "names"

        def on_request(self, exchange):
            with pytest.raises(ValueError, match="a trace id is visible ASCII"):
                exchange.trace_id = bad

    assert drive(Names).response.status == 200
