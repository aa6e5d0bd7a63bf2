"""Ends Python code that another thread runs: the core asks for it where a phase takes longer than it may."""

from __future__ import annotations

import ctypes


class PhaseTimeoutError(BaseException):
    """Raised inside a phase that takes too long. No Exception: `except Exception` must not swallow it."""


def interrupt(thread: int) -> None:
    """Raise `PhaseTimeoutError` in the thread with this identity, at its next bytecode."""
    _set(thread, ctypes.py_object(PhaseTimeoutError))


def clear(thread: int) -> None:
    """Take an error back that was not raised yet."""
    _set(thread, None)


def error(seconds: float) -> PhaseTimeoutError:
    """Make the error for a phase that swallowed it, or ended just as it was interrupted."""
    return PhaseTimeoutError(f"not done within {seconds:g} s")


def _set(thread: int, what: object) -> None:
    # https://docs.python.org/3.11/c-api/init.html#c.PyThreadState_SetAsyncExc
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
