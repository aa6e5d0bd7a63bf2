"""What a filter asks of every try: which replies have failed, and how long one may take."""

import pytest

from flatproxy import Filter, Retry
from flatproxy.api.testing import Fails, Reply, drive

BUSY = Reply(503, {"retry-after": "2"}, b"busy")


class Again(Filter):
    name = "again"
    failure_statuses = frozenset({503})
    attempt_timeout = 0.5

    def on_failure(self, exchange, failure):
        status = exchange.reply.status if not failure.flag else None
        exchange.log.info("failed", flag=failure.flag, status=status, detail=failure.detail)
        return Retry(float(exchange.reply.headers.get("retry-after", "0"))) if failure.replayable else None


def flags(done):
    return [line.fields["flag"] for line in done.log]


def test_a_reply_with_a_failure_status_is_asked_about_with_its_headers():
    done = drive(Again, upstream=[BUSY, Reply(200)])
    assert (done.response.status, len(done.attempts), done.waited) == (200, 2, 2.0)
    assert done.log[0].fields == {"flag": "", "status": 503, "detail": "the upstream answered 503"}


def test_the_last_such_reply_is_the_response_when_nobody_tries_again():
    class Gives(Again):
        name = "gives_up"

        def on_failure(self, exchange, failure):
            assert (failure.status, failure.flag) == (503, "")

    done = drive(Gives, upstream=BUSY)
    assert (done.response.status, done.response.body, done.flag) == (503, b"busy", "")


def test_a_reply_that_comes_too_late_has_failed_and_the_clock_has_gone_on():
    done = drive(Again, upstream=[Reply(200, after=2.0), Reply(200, after=0.4)])
    assert flags(done) == ["ATTEMPT_TIMEOUT"]
    assert done.waited == pytest.approx(0.9), "a try that is given up takes its time, the next one its own"


class Hedges(Filter):
    name = "hedges"
    hedge_after = 0.1

    def on_attempt(self, exchange):
        exchange.attempt.headers["x-number"] = str(exchange.attempt.number)

    def on_failure(self, exchange, failure):
        exchange.log.info("asked", flag=failure.flag)
        assert failure.flag != "SLOW" or failure.replayable
        return Retry() if failure.flag == "SLOW" else None


@pytest.mark.parametrize(
    ("answers", "status", "waited", "tries"),
    [
        ([Reply(200, after=2.0), Reply(201, after=0.3)], 201, 0.4, 2),
        ([Reply(200, after=0.2), Reply(201, after=0.3)], 200, 0.2, 2),
        ([Reply(200, after=2.0), Fails("CONNECT")], 200, 2.0, 2),
        ([Reply(200, after=0.05), Reply(201)], 200, 0.05, 1),
        ([Reply(200, after=2.0)], 200, 2.0, 1),
    ],
)
def test_a_slow_try_gets_company_and_the_first_reply_wins(answers, status, waited, tries):
    done = drive(Hedges, upstream=answers)
    assert done.response.status == status
    assert done.waited == pytest.approx(waited)
    assert [attempt.header("x-number") for attempt in done.attempts] == [
        str(number + 1) for number in range(tries)
    ]
    assert flags(done) == ["SLOW"] * (tries - 1)


def test_the_load_of_the_upstream_is_there_to_be_looked_at():
    class Looks(Filter):
        name = "looks"

        def on_failure(self, exchange, failure):
            assert (failure.active, failure.retrying) == (40, 8)

    assert drive(Looks, upstream=Fails("CONNECT"), active=40, retrying=8).flag == "CONNECT", (
        "its phase should not fail"
    )


@pytest.mark.parametrize(
    "fields",
    [{"failure_statuses": {600}}, {"failure_statuses": {100}}, {"attempt_timeout": 0}, {"hedge_after": -1}],
)
def test_rules_that_mean_nothing_refuse_the_plan(fields):
    one = Again(Again.Options())
    vars(one).update(fields)
    with pytest.raises(
        ValueError,
        match=r"filter 0: (failure_statuses are from 200|attempt_timeout is above 0|hedge_after is above 0)",
    ):
        drive(one)
