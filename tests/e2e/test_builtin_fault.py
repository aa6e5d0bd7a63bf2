"""The filter `fault` on a route, over real sockets."""

import time

from tests.e2e.stand.client import Client
from tests.e2e.stand.deployment import listener, route, upstream


def faulty(deploy, service, options, **more):
    filters = [{"use": "fault", "options": options, **more}]
    return deploy(
        workers=1, listeners=[listener(route(filters=filters))], upstreams=[upstream(service.address)]
    )


def test_requests_that_ask_for_it_are_aborted_and_others_are_not(deploy, service):
    proxy = faulty(deploy, service, {"abort": {"status": 418}, "header": "x-try-fault"})
    with Client(proxy.address()) as client:
        assert client.get("/", "x-try-fault: yes").status == 418
        assert client.get("/").status == 200
    assert len(service.requests) == 1, "what is aborted never reaches the service"
    assert proxy.metric("flatproxy_filter_fault_faults_total", kind="abort") == 1


def test_a_delayed_request_holds_up_nobody(deploy, service):
    proxy = faulty(deploy, service, {"delay": {"duration": "600ms"}, "header": "x-try-fault"}, timeout="5s")
    with Client(proxy.address()) as slow, Client(proxy.address()) as quick:
        began = time.monotonic()
        slow.send("GET / HTTP/1.1\r\nhost: a\r\nx-try-fault: yes\r\n\r\n")
        assert quick.get("/").status == 200
        assert time.monotonic() - began < 0.6, "who is not delayed should not wait for who is"
        assert slow.response().status == 200
        assert time.monotonic() - began >= 0.6
    assert len(service.requests) == 2
