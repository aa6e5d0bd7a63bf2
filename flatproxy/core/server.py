"""`flatproxy run`: what happens before the supervisor takes over. Ends with the exit code of the command."""

import functools
import gc
import json
import os
import resource
from pathlib import Path

from flatproxy.core.control import ControlSocket, control_path
from flatproxy.core.proxy import StartAdmin, run_proxy
from flatproxy.core.supervisor import Addresses, Supervisor


def serve(
    path: Path, start_admin: StartAdmin, *, control: Path | None = None, ready_descriptor: int | None = None
) -> int:
    """Serve a configuration file until a signal ends it.

    `control` is where reloads are asked for (default: derived from `path`); raises ControlError when another
    FlatProxy is there. Into `ready_descriptor` one JSON line with the addresses is written when they serve.
    """
    raise_descriptor_limit()
    # What is loaded now stays shared between supervisor and proxy: a collection would write to every object.
    gc.freeze()
    proxy = functools.partial(run_proxy, path=path, start_admin=start_admin)
    return Supervisor(
        proxy,
        ControlSocket(control or control_path(path)),
        lambda addresses: _tell(ready_descriptor, addresses),
    ).run()


def raise_descriptor_limit() -> None:
    """A connection takes up to two descriptors; the soft limit of 1024 is a relic of select(2)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _tell(descriptor: int | None, addresses: Addresses) -> None:
    if descriptor is not None:
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(addresses) + "\n")
