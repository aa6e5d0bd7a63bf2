"""Data threads have the shortest slice that Linux gives, and the share of the core that they had before."""

import ctypes
import os
import threading

import pytest

from flatproxy.core.scheduling import SLICE_NANOSECONDS, go_first

SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}
RELEASE = tuple(int(part) for part in os.uname().release.split(".")[:2])


def attributes():
    """Policy, niceness and slice of the thread that calls, as the kernel has them (`struct sched_attr`)."""
    read = (ctypes.c_uint32 * 14)()
    call = SCHED_GETATTR[os.uname().machine]
    assert ctypes.CDLL(None).syscall(call, 0, ctypes.byref(read), ctypes.sizeof(read), 0) == 0
    return read[1], ctypes.c_int32(read[4]).value, read[6] | read[7] << 32


def in_a_thread(work):
    """What `work` returns in a thread of its own, which it may leave as it likes."""
    results = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


@pytest.mark.skipif(
    os.uname().machine not in SCHED_GETATTR or RELEASE < (6, 12), reason="Linux has slices from 6.12 on"
)
def test_the_thread_that_asks_gets_the_shortest_slice_and_nothing_else_changes():
    before = attributes()
    done, after = in_a_thread(lambda: (go_first(), attributes()))
    assert done
    assert after == (*before[:2], SLICE_NANOSECONDS), (
        "policy and niceness should stay, the slice should be short"
    )
    assert attributes() == before, "no other thread should notice"


def test_on_a_machine_of_another_kind_everything_stays(monkeypatch):
    fields = list(os.uname())
    fields[4] = "sparc"
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(fields))
    assert in_a_thread(go_first) is False
