"""The load generator of the demo: it counts what it gets, and everything that goes wrong."""

import socket
import threading

import pytest

from flatproxy.cli.demo import stage
from flatproxy.cli.demo.load import CONNECTIONS, Load
from flatproxy.cli.demo.program import Program


@pytest.fixture
def service(tmp_path, free_port):
    """One endpoint of the demo, as the demo starts it."""
    program = Program(
        "orders", ["-I", str(stage.SERVICE), "orders", f"127.0.0.1:{free_port}"], tmp_path / "log"
    )
    yield program.ready(30)
    program.stop()


def test_every_answer_is_counted_and_timed(service):
    with Load(service, "shop.demo", "/orders") as load:
        load.wait_for(50, 30)
        lap = load.lap()
    assert lap.failures == []
    assert lap.services == {"orders": len(lap.seconds)}
    assert len(lap.seconds) >= 50
    assert 0 < lap.milliseconds(0.5) <= lap.milliseconds(0.99)
    assert lap.per_second > 0


@pytest.fixture
def sloppy_server():
    """Answers with whatever the test sets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answers: list[bytes] = []

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answers[0])

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", answers
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 503",
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "closed before the answer was whole"),
        (b"", "closed before the answer was whole"),
    ],
)
def test_what_is_not_a_whole_200_is_a_failure(sloppy_server, answer, why):
    address, answers = sloppy_server
    answers.append(answer)
    with Load(address, "shop.demo", "/") as load:
        load.wait_for(1, 0.2)
        lap = load.lap()
    assert lap.seconds == []
    assert lap.failures
    assert all(why in failure for failure in lap.failures), f"{lap.failures[0]} should say {why}"


def test_a_server_that_is_not_there_is_a_failure_of_every_connection(free_port):
    with Load(f"127.0.0.1:{free_port}", "shop.demo", "/") as load:
        load.wait_for(1, 0.2)
        lap = load.lap()
    assert len(lap.failures) >= CONNECTIONS
    assert "refused" in lap.failures[0]
