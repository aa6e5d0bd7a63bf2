"""The circuit, moment by moment."""

from flatproxy.plugins.rate_limit.circuit import Circuit


def test_it_opens_after_failures_in_a_row_only():
    circuit = Circuit(3, pause=5)
    assert [circuit.failed(0.0), circuit.failed(0.0)] == [False, False]
    assert not circuit.succeeded(), "it was closed all the time"
    assert [circuit.failed(1.0) for _ in range(3)] == [False, False, True]
    assert circuit.is_open


def opened(pause=5.0):
    circuit = Circuit(1, pause)
    assert circuit.failed(10.0), "the first failure opens it"
    return circuit


def test_while_it_is_open_nobody_asks():
    circuit = opened()
    assert not any(circuit.admits(now) for now in (10.0, 12.0, 14.9))


def test_after_the_pause_one_asks_and_success_closes_it():
    circuit = opened()
    assert [circuit.admits(15.0) for _ in range(3)] == [True, False, False]
    assert circuit.succeeded()
    assert all(circuit.admits(15.1) for _ in range(3))


def test_after_the_pause_one_asks_and_failure_keeps_it_open():
    circuit = opened()
    assert circuit.admits(15.0)
    assert not circuit.failed(15.1), "it does not open again, it stays open"
    assert not circuit.admits(19.0)
    assert circuit.admits(20.2)


def test_when_who_tried_did_not_wait_the_next_one_tries():
    circuit = opened()
    assert circuit.admits(15.0)
    circuit.gave_up()
    assert circuit.is_open
    assert [circuit.admits(15.1), circuit.admits(15.1)] == [True, False]


def test_who_goes_away_is_no_failure():
    """Or clients that hang up could make the proxy count without Redis."""
    circuit = Circuit(2, pause=5)
    circuit.failed(0.0)
    for _ in range(10):
        circuit.gave_up()
    assert not circuit.is_open


def test_late_failures_do_not_shorten_the_pause():
    circuit = opened()
    circuit.failed(12.0)
    assert not circuit.admits(15.0)
    assert circuit.admits(17.0)
