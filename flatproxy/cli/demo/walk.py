"""The demo from beginning to end: set the stage, play the steps, stay where there is a terminal, clean up."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import SubprocessError
from typing import TYPE_CHECKING

import httpx

from flatproxy.cli.demo.interrupt import Interrupts
from flatproxy.cli.demo.program import DemoError
from flatproxy.cli.demo.stage import Stage
from flatproxy.cli.demo.steps import STEPS, NotAsItShouldBe, Step
from flatproxy.cli.demo.table import StepTable, console

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED = 130  # 128 + SIGINT, as a shell says it


def play() -> int:
    """Play the demo; returns the exit code."""
    out, interrupts = console(), Interrupts()
    code = INTERRUPTED
    try:
        with ExitStack() as stack:
            stack.callback(interrupts.ignore)
            with interrupts.held():
                stage = stack.enter_context(Stage(interrupts))
            _start(stage, out)
            code = _walk(stage, out)
            if out.is_terminal and not os.environ.get("CI"):
                _stay(stage, out)
    except KeyboardInterrupt:
        out.print(
            "Interrupted; everything is cleaned up." if code == INTERRUPTED else "Everything is cleaned up."
        )
    except DemoError as error:
        out.print(f"The demo cannot go on: {error}", style="red", soft_wrap=True)
        code = 1
    return code


def _start(stage: Stage, out: Console) -> None:
    stage.prepare()
    for moved in stage.moved:
        out.print(str(moved), style="yellow", soft_wrap=True)
    if out.is_terminal:
        with out.status("Starting the services and FlatProxy"):
            stage.start()
    else:
        stage.start()
    out.print("Services   " + ", ".join(f"{name} {address}" for name, address in stage.endpoints.items()))
    out.print(f"FlatProxy  http://{stage.web}, https://{stage.mesh} (mTLS), admin http://{stage.admin}\n")


def _walk(stage: Stage, out: Console) -> int:
    table = StepTable(out)
    with table.shown():
        outcomes = [_play(step, stage, table) for step in STEPS]
    wrong = outcomes.count(False)
    if wrong:
        out.print(
            f"{wrong} of {len(outcomes)} steps did not do what they should. FlatProxy's log ends with:",
            style="red",
        )
        out.print(stage.proxy.last_words(), soft_wrap=True)
    else:
        out.print(f"All {len(outcomes)} steps did what they should.", style="green")
    out.print(
        "The load comes from Python, which is busier than FlatProxy here; `make bench` measures FlatProxy."
    )
    return 1 if wrong else 0


def _play(step: Step, stage: Stage, table: StepTable) -> bool:
    table.begin(step.name, step.done)
    try:
        seen, ok = step.play(stage), True
    except NotAsItShouldBe as error:
        seen, ok = str(error), False
    except (DemoError, httpx.HTTPError, OSError, SubprocessError, ValueError) as error:
        seen, ok = f"{type(error).__name__}: {error}", False
    table.end(step.name, step.done, seen, ok=ok)
    return ok


def _stay(stage: Stage, out: Console) -> None:
    """Say what to try, and wait for Ctrl-C."""
    script = Path(sys.executable).with_name("flatproxy")
    command = str(script) if script.exists() else f"{sys.executable} -m flatproxy"
    client, port = stage.certificate, stage.mesh.rpartition(":")[2]
    shown = f"--cacert {client}/ca.pem --cert {client}/cert.pem --key {client}/key.pem"
    out.print("\nFlatProxy goes on until Ctrl-C. Try, in another terminal:\n")
    for what, line in (
        ("a service", f"curl -H 'host: shop.demo' http://{stage.web}/orders/17"),
        ("no route", f"curl -i -H 'host: nobody.demo' http://{stage.web}/"),
        (
            "mTLS",
            f"curl {shown} -H 'host: shop.demo' https://localhost:{port}/orders/17",
        ),
        ("refused", f"curl --cacert {client}/ca.pem -H 'host: shop.demo' https://localhost:{port}/orders/17"),
        ("what is seen", f"curl http://{stage.admin}/metrics"),
        ("", f"tail -f {stage.access_log}"),
        ("change it", f"${{EDITOR:-vi}} {stage.file}"),
        ("", f"{command} reload -c {stage.file}"),
    ):
        out.print(f"  {what:13}{line}", soft_wrap=True)
    out.print()
    stage.proxy.process.wait()
    raise DemoError(f"FlatProxy has ended:\n{stage.proxy.last_words()}")
