"""Tells systemd how we are (sd_notify(3)): READY, RELOADING, STOPPING. Does nothing where nobody asked."""

import contextlib
import os
import socket
import time


def ready(status: str) -> None:
    """Serving."""
    _send(f"READY=1\nSTATUS={status}")


def reloading() -> None:
    """A reload begins; `ready` ends it."""
    # systemd wants the time as well, to tell this reload from a later one (sd_notify(3), MONOTONIC_USEC).
    _send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping() -> None:
    """Draining, then gone."""
    _send("STOPPING=1\nSTATUS=draining")


def _send(text: str) -> None:
    target = os.environ.get("NOTIFY_SOCKET", "")
    if not target:
        return
    if target.startswith("@"):  # an abstract socket
        target = "\0" + target[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
        notifier.sendto(text.encode(), target)
