"""How soon a proxy process is started again."""

from flatproxy.core.restart import BackOff


def test_the_first_restart_is_immediate_then_ever_later_up_to_five_seconds():
    back_off = BackOff()
    delays = [back_off.delay(lived_seconds=0.01) for _ in range(10)]
    assert delays == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_a_process_that_lived_for_ten_seconds_starts_anew():
    back_off = BackOff()
    for _ in range(5):
        back_off.delay(lived_seconds=0.01)
    assert back_off.delay(lived_seconds=10.0) == 0.0
    assert back_off.delay(lived_seconds=0.01) == 0.1


def test_a_thousand_deaths_are_no_overflow():
    back_off = BackOff()
    assert [back_off.delay(lived_seconds=0) for _ in range(1100)][-1] == 5.0
