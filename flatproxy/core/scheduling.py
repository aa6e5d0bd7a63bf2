"""Data threads go first: a request is not kept waiting by a thread of ours that computes.

Linux lets a thread that wakes up take the core at once when its slice is shorter than that of who has it (EEVDF, Linux 6.12
and later; sched(7), sched_setattr(2)). Its share of the core stays what it is: nobody starves, and no thread that holds the
interpreter is left waiting for a core.
"""

from __future__ import annotations

import ctypes
import os

# sched_setattr(2), by what `uname -m` says; the C library has no function for it.
_CALLS = {"x86_64": 314, "aarch64": 274}
# The shortest that there is.
SLICE_NANOSECONDS = 100_000


class _Attributes(ctypes.Structure):
    """`struct sched_attr`, its first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def go_first() -> bool:
    """Give the thread that calls the shortest slice; False where the system cannot, and everything stays as it was."""
    call = _CALLS.get(os.uname().machine)
    if call is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    attributes = _Attributes(
        size=ctypes.sizeof(_Attributes),
        policy=os.SCHED_OTHER,
        nice=os.getpriority(os.PRIO_PROCESS, 0),
        runtime=SLICE_NANOSECONDS,
    )
    failed: int = ctypes.CDLL(None).syscall(call, 0, ctypes.byref(attributes), 0)
    return not failed
