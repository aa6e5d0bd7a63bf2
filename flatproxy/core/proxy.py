"""The proxy process: one main thread that changes things, one at a time, beside the data threads that serve.

    start -> plan applied -> "serving" -> reload | renewed certificate -> ... -> drain -> end

Whoever wants a change (supervisor, admin address, identity watch) puts a task into the inbox, so no reload ever runs
into another. `candidate` builds, `supply` has the sockets, `filters.life` the opened filters, `kept` is what a successor
gets.
"""

import faulthandler
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from typing import Protocol

from flatproxy.core import log
from flatproxy.core.candidate import Candidate, CandidateRefused, Origin
from flatproxy.core.channel import Channel
from flatproxy.core.file_watch import FileWatch
from flatproxy.core.filters import waiting
from flatproxy.core.filters.found import FilterError
from flatproxy.core.filters.life import Life, NotOpened
from flatproxy.core.filters.placing import Placed
from flatproxy.core.identity import Watch
from flatproxy.core.kept import Kept
from flatproxy.core.memory import give_back_unused
from flatproxy.core.messages import Cause, Drain, Refused, Reload
from flatproxy.core.native import Engine, PlanRefused
from flatproxy.core.registry import Registry
from flatproxy.core.supply import Supply
from flatproxy.core.tasks import OpenAdmin, ReloadFile, Renew, Reread, Resume, Stop, Task

RETRY_SECONDS = 10.0
# After which a thread that computes in Python lets a data thread in: 5 ms, as it is usually, is an age for a request.
SWITCH_SECONDS = 0.000_2
# Beyond the drain deadline, when no supervisor is left who would end a process that hangs.
GRACE_SECONDS = 5.0


class AdminServer(Protocol):
    """The admin address, on a thread of its own."""

    def stop(self) -> None:
        """Close the address and end the thread."""


# Given the proxy, its admin address, a listening descriptor to own, and the token if there is one.
StartAdmin = Callable[["Proxy", str, int, str | None], AdminServer]


class Proxy:
    """What runs in the proxy process. The admin thread reads it; `request_reload` is its one way to change it."""

    def __init__(self, channel: Channel, path: Path, start_admin: StartAdmin) -> None:
        self.started = time.time()
        self.state = "starting"
        self.reloads = {"applied": 0, "refused": 0}
        self.last_errors: list[str] = []
        self.kept: Kept | None = None
        self.watch: Watch | None = None
        self._files: FileWatch | None = None
        self.engine: Engine | None = None
        self.filters = Life()
        self._path = path
        self._start_admin = start_admin
        self._admin: AdminServer | None = None
        self._candidate: Candidate | None = None
        self._unfinished: Task | None = None  # tried again after a while
        self._inbox: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._supply = Supply(channel, self._hear)

    def run(self, kept: bytes | None) -> int:
        """Serve until told to stop; returns the exit code."""
        if kept is None:
            errors = self._load("start")
        else:
            errors = self._restore(Kept.unpack(kept))
            self._inbox.put(Resume())
        if errors:
            self._supply.tell(Refused(errors, "start"))
            return 1
        self._tell_packages("on_start")
        while not isinstance(task := self._next_task(), Stop):
            self._do(task)
        self._drain(task.seconds)
        return 0

    def request_reload(self) -> Future[list[str]]:
        """Reload, from any thread; the future gets the errors."""
        task = ReloadFile(by_supervisor=False)
        self._inbox.put(task)
        return task.errors

    # === tasks ===

    def _next_task(self) -> Task:
        try:
            return self._inbox.get(timeout=None if self._unfinished is None else RETRY_SECONDS)
        except queue.Empty:
            task, self._unfinished = self._unfinished, None
            return task or self._next_task()

    def _do(self, task: Task) -> None:
        match task:
            case ReloadFile():
                self._reload(task)
            case Renew(source, identity):
                if self._candidate is not None and source is self._candidate.source:
                    candidate = self._candidate
                    if self._refresh(task, lambda: candidate.renewed(identity)):
                        expiry = identity.not_after.isoformat()
                        log.event(
                            "identity_renewed", id=identity.id, serial=identity.serial, not_after=expiry
                        )
            case OpenAdmin():
                self._open_admin()
            case Reread():
                if self._candidate is not None:
                    origin = self._candidate.origin
                    if self._refresh(task, lambda: Candidate.build(origin)):
                        log.event(
                            "files_reread", files=[str(path) for path in self._candidate.config.tls_files()]
                        )
            case Resume():
                self._resume(task)

    def _reload(self, task: ReloadFile) -> None:
        cause: Cause = "reload" if task.by_supervisor else "admin"
        errors = self._load(cause)
        self.last_errors = errors
        self.reloads["refused" if errors else "applied"] += 1
        if errors:
            self._supply.tell(Refused(errors, cause))
        task.errors.set_result(errors)

    def _resume(self, task: Resume) -> None:
        if self._candidate is None and self.kept is not None:
            origin = self.kept.origin
            self._refresh(task, lambda: Candidate.build(origin))

    def _refresh(self, task: Task, build: Callable[[], Candidate]) -> bool:
        """Serve the same configuration with what is new around it; what fails now is tried again."""
        errors = self._serve(build, "identity")
        if errors:
            self._unfinished = task
            log.event("identity_not_applied", "will be tried again", level="error", errors=errors)
        return not errors

    # === serving ===

    def _load(self, cause: Cause) -> list[str]:
        return self._serve(lambda: Candidate.build(Origin.of_file(self._path)), cause)

    def _serve(self, build: Callable[[], Candidate], cause: Cause) -> list[str]:
        """Build and apply; returns errors, then what served before still does."""
        try:
            candidate = build()
            warnings = (*candidate.config.source.warnings, *candidate.plan.warnings)
            for warning in warnings if cause != "identity" else ():
                log.event("config_warning", str(warning), level="warning")
            kept = Kept.of(candidate, self._workers(candidate))
            errors = self._apply(kept, candidate.plan.placed, cause)
        except CandidateRefused as error:
            return error.errors
        except Exception as error:  # noqa: BLE001  a mistake of ours must not cost the plan that serves
            traceback.print_exc()
            return [f"internal error: {error!r}"]
        if not errors:
            self._use(candidate)
        return errors

    def _restore(self, kept: Kept) -> list[str]:
        """Serve what the process before served."""
        try:
            placed = kept.placed()
        except FilterError as error:
            return str(error).splitlines()
        return self._apply(kept, placed, "start")

    def _workers(self, candidate: Candidate) -> int:
        wanted = candidate.config.worker_count()
        if self.kept is None or wanted == self.kept.workers:
            return wanted
        log.event(
            "workers_kept",
            "takes effect at the next start",
            level="warning",
            now=self.kept.workers,
            asked=wanted,
        )
        return self.kept.workers

    def _apply(self, kept: Kept, placed: Sequence[Placed], cause: Cause) -> list[str]:
        before = self.kept
        if self.state == "draining":
            return ["FlatProxy is stopping"]
        errors = self._supply.ensure(kept.wanted()) or self._apply_natively(kept, placed)
        if errors:
            self._supply.keep_only(set(before.wanted()) if before else set())
            return errors
        self.kept, self._unfinished = kept, None
        if self.state == "starting":
            self.state = "serving"
        self._supply.tell(kept.serving(cause))
        self._renew_admin(before, kept)
        self._supply.keep_only(set(kept.wanted()))
        return []

    def _apply_natively(self, kept: Kept, placed: Sequence[Placed]) -> list[str]:
        try:
            filters = self.filters.ready(placed)
        except NotOpened as error:
            return error.errors
        engine = self.engine or Engine(kept.workers)
        sockets = self._supply.of([listener["listen"] for listener in kept.listeners])
        try:
            engine.apply(kept.document, sockets, filters, self._packages.identity_map())
        except PlanRefused as error:
            self.filters.refused()
            return [str(error)]
        self.engine = engine
        self.filters.applied(kept.drain_seconds)
        return []

    def _use(self, candidate: Candidate) -> None:
        """Watch over the certificate of what serves now."""
        before, self._candidate = self._candidate, candidate
        self._watch_files(candidate)
        if before is not None and before.source is candidate.source:
            return
        if self.watch is not None:
            self.watch.stop()
            self.watch = None
        source = candidate.source
        if source is not None and candidate.identity is not None:
            self.watch = Watch(
                source,
                candidate.identity,
                lambda fresh: self._inbox.put(Renew(source, fresh)),
                seen=candidate.seen,
            )
            self.watch.start()

    def _watch_files(self, candidate: Candidate) -> None:
        if self._files is not None:
            self._files.stop()
        self._files = FileWatch(
            candidate.config.tls_files(), lambda: self._inbox.put(Reread()), seen=candidate.files_seen
        )
        self._files.start()

    def _renew_admin(self, before: Kept | None, kept: Kept) -> None:
        if before is not None and (before.admin, before.token) == (kept.admin, kept.token):
            return
        if self._admin is not None:
            self._admin.stop()
            self._admin = None
        self._open_admin()

    def _open_admin(self) -> None:
        """Where no descriptor is left it cannot open: traffic goes on without it, and it is tried again."""
        kept = self.kept
        if self._admin is not None or kept is None or kept.admin is None:
            return
        try:
            self._admin = self._start_admin(self, kept.admin, self._supply.copy(kept.admin), kept.token)
        except Exception as error:  # noqa: BLE001  whatever it is, it must not end the process that serves
            log.event("admin_failed", repr(error), level="error", listen=kept.admin)
            again = threading.Timer(RETRY_SECONDS, self._inbox.put, [OpenAdmin()])
            again.daemon = True
            again.start()

    # === the end ===

    def _hear(self, wish: Reload | Drain | None) -> None:
        """On the channel's thread."""
        match wish:
            case Reload():
                self._inbox.put(ReloadFile(by_supervisor=True))
            case Drain(seconds):
                self.state = "draining"
                self._inbox.put(Stop(seconds))
            case None:
                self.state = "draining"
                seconds = self.kept.drain_seconds if self.kept else 0.0
                log.event("supervisor_gone", "draining", level="error", seconds=seconds)
                threading.Timer(seconds + GRACE_SECONDS, os._exit, [1]).start()
                self._inbox.put(Stop(seconds))

    def _drain(self, seconds: float) -> None:
        for watch in (self.watch, self._files):
            if watch is not None:
                watch.stop()
        self._supply.keep_only(set())  # the engine has its own; when it closes them, nobody can connect
        if self.engine is not None:
            if not self.engine.drain(int(seconds * 1000)):
                log.event("drain_cut", "exchanges were cut at the deadline", level="warning", seconds=seconds)
            self.engine.stop()
        self.filters.close()
        waiting.close()
        self._tell_packages("on_stop")
        if self._admin is not None:
            self._admin.stop()

    @cached_property
    def _packages(self) -> Registry:
        """Whoever has hooks: looked for once, since what is imported stays."""
        return Registry.discover()

    def _tell_packages(self, hook: str) -> None:
        for failure in self._packages.tell(hook):
            log.event("hook_failed", failure, level="error")


def run_proxy(channel: Channel, kept: bytes | None, *, path: Path, start_admin: StartAdmin) -> int:
    """The main function of the proxy process; returns its exit code."""
    faulthandler.enable()
    sys.setswitchinterval(SWITCH_SECONDS)
    give_back_unused()
    return Proxy(channel, path, start_admin).run(kept)
