"""What is read from /proc, against ourselves and a child."""

import os
import subprocess
import sys

from bench import measure
from bench.cores import lay_out


def test_work_shows_as_cpu_time_of_the_process_and_of_the_machine():
    before = measure.read([os.getpid()])
    while measure.cost(before, measure.read([os.getpid()])).cpu < 0.05:
        sum(range(10_000))
    spent = measure.cost(before, measure.read([os.getpid()]))
    assert spent.wall > 0
    assert spent.busy >= spent.cpu - 2 / measure.TICK, (
        "the machine was at least as busy as one of its processes"
    )


def test_a_family_holds_children_and_their_memory():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= set(measure.family(os.getpid()))
        assert measure.resident([os.getpid(), child.pid]) > measure.resident([os.getpid()]) > 0
        assert measure.resident([child.pid]) > measure.own([child.pid]) > 0, (
            "Python maps files, and has memory of its own"
        )


def test_a_process_that_is_gone_costs_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert measure.read([child.pid]).cpu == 0
    assert measure.resident([child.pid]) == 0


def test_the_proxy_has_the_first_cores_and_shares_only_where_it_must():
    assert (lay_out(1, 2).proxy, lay_out(1, 2).load) == ("0", "1")
    assert (lay_out(2, 8).proxy, lay_out(2, 8).load) == ("0-1", "2-7")
    assert lay_out(2, 2).shared


def test_settling_waits_for_the_end_of_work():
    work = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass\ninput()"
    with subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE) as child:
        measure.settle(lambda: [child.pid])
        assert measure.read([child.pid]).cpu >= 0.45, "the work was not over yet"
