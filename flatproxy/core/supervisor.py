"""The supervisor: one thread that holds the listening sockets and keeps a proxy process alive.

It knows nothing of plans or configuration, so nothing in them can break it. The proxy asks it for sockets, tells it
when it serves, and leaves a blob to be given to its successor. The life of a proxy process, seen from here:

    started -> wants sockets -> serving -> ... reloads ... -> died: started again, with what it left
                             -> refused: at the first start that is the end, with exit code 1

`child` forks, `sockets` listens, `control` is asked for reloads, `reloads` puts them in order, `restart` says how soon.
"""

import signal
import sys
from collections.abc import Callable
from typing import TypedDict

from flatproxy.core import log, notify
from flatproxy.core.child import ProxyMain, ProxyProcess
from flatproxy.core.control import ControlSocket
from flatproxy.core.loop import Loop
from flatproxy.core.messages import (
    Drain,
    Message,
    ProtocolError,
    Refused,
    Reload,
    Serving,
    Sockets,
    WantSockets,
)
from flatproxy.core.reloads import Reloads
from flatproxy.core.restart import BackOff
from flatproxy.core.signals import Signals
from flatproxy.core.sockets import SocketSet

# What a proxy gets beyond its drain deadline to end by itself before it is killed.
GRACE_SECONDS = 5.0


class Addresses(TypedDict):
    """Where we can be reached: of each listener its name, the address asked for and the one bound."""

    listeners: list[dict[str, str]]
    admin: str | None


class Supervisor:
    """Runs `proxy` in a process of its own until a signal ends it. `on_ready` gets the addresses, once."""

    def __init__(
        self, proxy: ProxyMain, control: ControlSocket, on_ready: Callable[[Addresses], None]
    ) -> None:
        self._main = proxy
        self._control = control
        self._on_ready = on_ready
        self._loop = Loop()
        self._sockets = SocketSet()
        self._back_off = BackOff()
        self._signals = Signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        self._reloads = Reloads(self._begin_reload)
        self._process: ProxyProcess | None = None
        self._good: Serving | None = None  # the last good news, of this process or of an earlier one
        self._restarts = 0
        self._announced = False
        self._stopping = False
        self._exit_code: int | None = None

    def run(self) -> int:
        """Serve until it is over; returns the exit code."""
        with self._signals:
            self._loop.watch(self._signals.receiver, self._on_signals)
            self._control.attach(self._loop, self._reloads.ask)
            try:
                self._start()
                while self._exit_code is None:
                    self._loop.turn()
            finally:
                self._reloads.refuse_all("FlatProxy has stopped")
                self._sockets.keep_only(set())
                self._control.remove()
                self._loop.close()
                if self._process is not None:
                    self._process.kill()
        return self._exit_code

    # === a process begins ===

    def _start(self) -> None:
        self._announced = False
        self._process = ProxyProcess(
            self._main, self._good.kept if self._good else None, self._close_inherited
        )
        self._loop.watch(self._process.connection, self._on_messages)

    def _close_inherited(self) -> None:
        """In the child: a listening socket that it kept would stay open after we closed it."""
        watched = self._loop.sockets()
        self._loop.close()
        for inherited in watched:
            inherited.close()
        self._signals.close()
        self._control.close()
        self._sockets.keep_only(set())

    # === what it says ===

    def _on_messages(self) -> None:
        if self._process is not None:
            self._hear(self._process)

    def _hear(self, process: ProxyProcess) -> bool:
        """Act on what it said; whether it may have said more."""
        try:
            messages = process.received()
            for message in messages or ():
                self._on_message(process, message)
        except ProtocolError as error:
            log.event("proxy_not_understood", str(error), level="error", proxy=process.pid)
            process.kill()
            messages = None
        if messages is None:
            self._loop.forget(process.connection)  # its death is told by SIGCHLD
        return bool(messages)

    def _on_message(self, process: ProxyProcess, message: Message) -> None:
        match message:
            case WantSockets(wanted):
                self._give_sockets(process, wanted)
            case Serving():
                self._on_serving(process, message)
            case Refused():
                self._on_refused(message)
            case _:
                raise ProtocolError(f"a proxy does not say {type(message).__name__}")

    def _give_sockets(self, process: ProxyProcess, wanted: dict[str, int]) -> None:
        errors = self._sockets.ensure(wanted)
        given = {} if errors else {address: self._sockets.descriptors(address) for address in wanted}
        counts = {address: len(descriptors) for address, descriptors in given.items()}
        process.send(Sockets(counts, errors), [one for descriptors in given.values() for one in descriptors])

    def _on_serving(self, process: ProxyProcess, message: Serving) -> None:
        first, self._good = self._good is None, message
        closed = self._sockets.keep_only(message.addresses())
        addresses = self._addresses(message)
        if not self._announced:
            self._announced = True
            log.event("ready", proxy=process.pid, restarts=self._restarts, **addresses)
        elif message.cause != "identity":
            log.event("reloaded", cause=message.cause, closed=closed, **addresses)
        notify.ready("serving")
        if first:
            self._on_ready(addresses)
        if message.cause == "reload":
            self._reloads.finished([])
        if not self._stopping:
            self._reloads.allow()

    def _on_refused(self, message: Refused) -> None:
        if self._good is None:
            # The operator is waiting at a terminal or reads the unit's log: the errors as `check` prints them.
            sys.stderr.write("".join(f"{error}\n" for error in message.errors))
            sys.stderr.flush()
            self._exit_code = 1
            return
        self._sockets.keep_only(self._good.addresses())
        log.event(
            "plan_refused",
            "the old plan keeps serving",
            level="error",
            cause=message.cause,
            errors=message.errors,
        )
        notify.ready("serving; the last reload was refused")
        if message.cause == "reload":
            self._reloads.finished(message.errors)

    def _addresses(self, news: Serving) -> Addresses:
        listeners = [
            {**listener, "address": self._sockets.bound(listener["listen"])} for listener in news.listeners
        ]
        return {"listeners": listeners, "admin": self._sockets.bound(news.admin) if news.admin else None}

    # === what others want ===

    def _begin_reload(self) -> None:
        if self._process is not None:
            notify.reloading()
            self._process.send(Reload())

    def _on_signals(self) -> None:
        for number in self._signals.arrived():
            match number:
                case signal.SIGCHLD:
                    self._reap()
                case signal.SIGHUP:
                    self._reloads.ask(lambda _errors: None)  # whoever sends a signal reads the log
                case _ if self._stopping:
                    self._stop_at_once(number)
                case _:
                    self._stop(number)

    def _stop(self, number: signal.Signals) -> None:
        self._stopping = True
        notify.stopping()
        self._reloads.refuse_all("FlatProxy is stopping")
        process, good = self._process, self._good
        if process is None or good is None or not self._announced:
            self._stop_at_once(number)
            return
        log.event("draining", signal=number.name, seconds=good.drain_seconds)
        # First our copies of the sockets: when the proxy closes its own, new connections are refused at once.
        self._sockets.keep_only(set())
        process.send(Drain(good.drain_seconds))
        self._loop.later(good.drain_seconds + GRACE_SECONDS, self._kill_overdue)

    def _stop_at_once(self, number: signal.Signals) -> None:
        log.event("stopped", "at once", signal=number.name)
        self._exit_code = 0

    def _kill_overdue(self) -> None:
        log.event("stopped", "the proxy did not end after its drain deadline; it was killed", level="error")
        self._exit_code = 1

    # === a process ends ===

    def _reap(self) -> None:
        process = self._process
        how = process.ended() if process else None
        if process is None or how is None:
            return
        while self._hear(process):
            pass  # its last words
        self._loop.forget(process.connection)
        process.close()
        self._process = None
        if self._exit_code is not None:
            return
        if self._stopping:
            log.event("stopped", level="info" if process.code == 0 else "error", how=how)
            self._exit_code = 0 if process.code == 0 else 1
        elif self._good is None:
            log.event("proxy_died", "it never served", level="error", how=how)
            self._exit_code = 1
        else:
            self._restart_later(process, how)

    def _restart_later(self, process: ProxyProcess, how: str) -> None:
        delay = self._back_off.delay(process.lived_seconds)
        log.event(
            "proxy_died",
            "its listening sockets stay open; the last good plan is served again",
            level="error",
            how=how,
            proxy=process.pid,
            lived_seconds=round(process.lived_seconds, 3),
            restart_in_seconds=delay,
        )
        self._restarts += 1
        self._reloads.interrupted(
            "the proxy process died while it was reloading; its last good plan serves again"
        )
        self._loop.later(delay, self._restart)

    def _restart(self) -> None:
        if not self._stopping:
            self._start()
