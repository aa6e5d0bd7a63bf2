"""Which failures are tried again, when, and how many at once."""

import pytest
from pydantic import ValidationError

from flatproxy.api.testing import Fails, Reply, Request, drive
from flatproxy.plugins.retry.filter import RetryFailed
from flatproxy.plugins.retry.options import RetryOptions

POST = Request(method="POST", body=b"pay")
OK = Reply(200)


def tried(upstream, request="/", /, **more):
    """How it went, with the options in `more` that are not `drive`'s own."""
    load = {key: more.pop(key) for key in ("active", "retrying") if key in more}
    return drive(RetryFailed, options=more, request=request, upstream=upstream, **load)


def counted(done, metric):
    """By label, what the filter has counted."""
    lines = [
        line for line in done.metrics.splitlines() if line.startswith(f"flatproxy_filter_retry_{metric}")
    ]
    return {line.split('"')[5]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (Fails("CONNECT"), "connect"),
        (Fails("CONNECT_TIMEOUT"), "connect"),
        (Fails("UPSTREAM_RESET"), "reset"),
        (Fails("UPSTREAM_PROTOCOL"), "reset"),
        (Fails("UPSTREAM_STALL"), "timeout"),
        (Reply(200, after=3.0), "timeout"),
        (Reply(502), "status"),
        (Reply(503), "status"),
        (Reply(504), "status"),
    ],
)
def test_what_has_failed_is_tried_again(failure, reason):
    done = tried([failure, OK], timeout="2s")
    assert (done.response.status, len(done.attempts)) == (200, 2)
    assert counted(done, "retries_total") == {reason: 1}


@pytest.mark.parametrize("reply", [Reply(200), Reply(404), Reply(429), Reply(500)])
def test_other_replies_go_to_the_client(reply):
    done = tried([reply, OK])
    assert (done.response.status, len(done.attempts)) == (reply.status, 1)


@pytest.mark.parametrize("flag", ["TIMEOUT", "NO_ENDPOINT", "OVERLOAD"])
def test_failures_that_another_try_does_not_mend_are_not_tried_again(flag):
    assert len(tried([Fails(flag), OK]).attempts) == 1


def test_only_the_kinds_that_are_chosen():
    assert len(tried([Fails("CONNECT"), OK], failures=["reset"]).attempts) == 1
    assert len(tried([Reply(503), OK], statuses=[]).attempts) == 1
    assert len(tried([Reply(429), OK], statuses=[429]).attempts) == 2


def test_there_is_an_end():
    done = tried(Reply(503, body=b"busy"), attempts=4)
    assert (done.response.status, done.response.body, len(done.attempts)) == (503, b"busy", 4)
    assert counted(done, "given_up_total") == {"attempts": 1}
    assert tried(Fails("CONNECT")).flag == "CONNECT", "the last failure is the client's"


# === what may be done twice ===


@pytest.mark.parametrize("failure", [Fails("UPSTREAM_RESET"), Reply(503)])
def test_a_post_that_may_have_been_acted_upon_is_not_repeated_unless_told(failure):
    done = tried([failure, OK], POST)
    assert len(done.attempts) == 1
    assert counted(done, "given_up_total") == {"unsafe": 1}
    done = tried([failure, OK], POST, also=["post"])
    assert [attempt.body for attempt in done.attempts] == [b"pay", b"pay"]


def test_a_post_that_never_left_is_tried_again():
    assert tried([Fails("CONNECT"), OK], POST).response.status == 200


def test_a_body_that_could_not_be_kept_is_not_sent_again():
    large = Request(method="PUT", body=b"a" * (1 << 20) + b"a")
    done = tried([Reply(503), OK], large)
    assert len(done.attempts) == 1
    assert counted(done, "given_up_total") == {"too_late": 1}


# === when ===


def test_the_wait_is_random_below_a_limit_that_doubles():
    waits = [tried([Reply(503), OK], back_off={"base": "100ms"}).waited for _ in range(200)]
    assert max(waits) <= 0.1, "the first wait should be below the base"
    assert min(waits) < 0.03, "and anything below it"
    assert max(waits) > 0.07, "and anything below it"
    waits = [
        tried(Reply(503), attempts=4, back_off={"base": "100ms", "most": "150ms"}).waited for _ in range(200)
    ]
    assert 0.3 < max(waits) <= 0.1 + 0.15 + 0.15, "the limit should double up to the longest"


def test_without_a_base_there_is_no_wait():
    assert tried([Reply(503), OK], back_off={"base": 0}).waited == 0


def test_retry_after_is_waited_for_in_place_of_it():
    assert tried([Reply(503, {"retry-after": "2"}), OK]).waited == 2.0
    assert tried([Reply(503, {"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}), OK]).waited == 0.0
    assert tried([Reply(503, {"retry-after": "soon"}), OK]).waited <= 0.025, (
        "what cannot be read says nothing"
    )


def test_a_retry_after_that_is_too_long_goes_to_the_client():
    done = tried([Reply(503, {"retry-after": "6"}), OK])
    assert (done.response.status, done.response.header("retry-after")) == (503, "6")
    assert counted(done, "given_up_total") == {"retry_after": 1}


def test_a_slow_endpoint_gets_company_where_that_is_asked_for():
    slow, quick = Reply(200, after=3.0, body=b"slow"), Reply(200, after=0.1, body=b"quick")
    assert tried([slow, quick]).response.body == b"slow"
    done = tried([slow, quick], hedge_after="50ms")
    assert (done.response.body, done.waited) == (b"quick", pytest.approx(0.15))
    assert counted(done, "retries_total") == {"slow": 1}
    assert tried([slow, quick], hedge_after="50ms", active=100, retrying=20).response.body == b"slow", (
        "the budget holds for it, too"
    )


# === how many at once ===


@pytest.mark.parametrize(
    ("active", "retrying", "attempts"),
    [(1, 0, 2), (1, 2, 2), (1, 3, 1), (100, 19, 2), (100, 20, 1), (1000, 199, 2), (1000, 200, 1)],
)
def test_no_more_than_a_share_is_tried_again_at_once(active, retrying, attempts):
    done = tried([Reply(503), OK], active=active, retrying=retrying)
    assert len(done.attempts) == attempts
    assert counted(done, "given_up_total") == ({} if attempts == 2 else {"budget": 1})


def test_a_budget_of_nothing_tries_nothing_again():
    assert len(tried([Reply(503), OK], budget={"share": 0, "least": 0}).attempts) == 1


# === options ===


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"attempts": 1}, "greater than or equal to 2"),
        ({"attempts": 17}, "less than or equal to 16"),
        ({"failures": ["conect"]}, "Input should be 'connect', 'reset' or 'timeout'"),
        ({"failures": [], "statuses": []}, "needs failures in `failures`, or `statuses`"),
        ({"statuses": [99]}, "greater than or equal to 200"),
        ({"timeout": 0}, "must be longer than 0"),
        ({"budget": {"share": "120%"}}, "must be from 0% to 100%"),
        ({"backoff": {}}, "Extra inputs are not permitted"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, told):
    with pytest.raises(ValidationError, match=told):
        RetryOptions.model_validate(options)
