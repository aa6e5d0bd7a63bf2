"""What follows a body: filters that see bodies see and change it."""

from flatproxy import Filter
from flatproxy.api.testing import Reply, Request, drive


class Sums(Filter):
    name = "sums"

    def on_request_body(self, exchange, chunk, last):
        if last:
            trailers = exchange.request.trailers
            trailers["x-seen"] = ",".join(trailers)
            del trailers["x-sum"]

    def on_response_body(self, exchange, chunk, last):
        if last:
            exchange.response.trailers.add("x-sum", "2")

    def on_done(self, exchange):
        exchange.log.info(
            "end", request=exchange.request.trailers.items(), response=exchange.response.trailers.items()
        )


def test_trailers_are_there_with_the_last_piece_and_may_be_changed():
    done = drive(
        Sums,
        request=Request(method="POST", body=[b"a", b"b"], trailers={"X-Sum": "17"}),
        upstream=Reply(body=b"ok", trailers={"x-sum": "1"}),
    )
    assert done.detail == ""
    assert done.attempts[0].trailers == (("x-seen", "X-Sum"),)
    assert done.response.trailers == (("x-sum", "1"), ("x-sum", "2"))
    assert done.log[0].fields["response"] == "[('x-sum', '1'), ('x-sum', '2')]", "the end is told to on_done"


def test_they_may_not_be_changed_at_any_other_time_and_never_what_the_core_owns():
    class Wrong(Filter):
        name = "wrong"

        def on_request(self, exchange):
            exchange.request.trailers["x-sum"] = "1"

    class Owned(Filter):
        name = "owned"

        def on_request_body(self, exchange, chunk, last):
            exchange.request.trailers["content-length"] = "1"

    refused = drive(Wrong)
    assert (refused.response.status, refused.flag) == (503, "FILTER")
    assert "the request's end is fixed: it can be changed in on_request_body only" in refused.detail
    refused = drive(Owned, request=Request(method="POST", body=b"a"))
    assert (refused.response.status, refused.flag) == (503, "FILTER")
