"""The supervisor with a real proxy process under it: deaths, reloads, signals, and sockets that never close."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flatproxy.core.control import ControlError, ask_reload
from tests.unit.core.program import Program

ECHO = str(Path(__file__).with_name("echo_proxy.py"))


class Served:
    """An echo proxy under a supervisor, and its configuration file."""

    def __init__(self, folder: Path, **config: object) -> None:
        self.folder = folder
        self.control = folder / "control.sock"
        self.configure(**config)
        self.program = Program(ECHO, str(self.control), str(folder / "config.json"))

    def configure(self, **config: Any) -> None:
        config.setdefault("listeners", {"web": "127.0.0.1:0"})
        (self.folder / "config.json").write_text(json.dumps(config))

    def ready(self) -> dict[str, Any]:
        event = self.program.event("ready")
        self.addresses = {entry["name"]: parse(entry["address"]) for entry in event["listeners"]}
        return event

    def connect(self, listener: str = "web") -> socket.socket:
        return socket.create_connection(self.addresses[listener], timeout=20)

    def ask(self, listener: str = "web") -> list[str]:
        """Text and pid of the process that answered."""
        with self.connect(listener) as connection:
            return converse(connection)

    def reload(self) -> list[str]:
        return ask_reload(self.control, 20)


def parse(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def converse(connection: socket.socket, line: bytes = b"hello\n") -> list[str]:
    connection.sendall(line)
    return connection.recv(100).decode().split()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    started: list[Served] = []

    def begin(**config: object) -> Served:
        served = Served(tmp_path, **config)
        started.append(served)
        return served

    yield begin
    for served in started:
        served.program.__exit__(None, None, None)


@pytest.fixture
def served(start: Any) -> Served:
    running: Served = start(text="one")
    running.ready()
    return running


def kill_proxy(served: Served) -> int:
    pid = int(served.ask()[1])
    os.kill(pid, signal.SIGKILL)
    return pid


# === a proxy that dies ===


def test_a_killed_proxy_is_replaced_and_nobody_is_refused(served: Served) -> None:
    dead = kill_proxy(served)
    text, pid = served.ask()  # perhaps before the next one is there: the connection waits in the socket
    assert text == "one"
    assert int(pid) != dead
    assert served.program.event("proxy_died")["how"] == "SIGKILL"
    assert served.program.event("ready")["restarts"] == 1


def test_connections_made_in_the_gap_are_served_by_the_next_proxy(start: Any) -> None:
    served = start(text="one")
    served.ready()
    kill_proxy(served)  # the first restart is immediate, the second one waits for a moment
    served.program.event("ready")
    kill_proxy(served)
    died = served.program.event("proxy_died", restart_in_seconds=0.1)
    with served.connect() as waiting:
        text, pid = converse(waiting)
    assert (text, int(pid) != died["proxy"]) == ("one", True)


def test_a_killed_proxy_comes_back_with_the_last_good_plan_when_the_file_is_broken(served: Served) -> None:
    served.configure(errors=["config.json:1:1: broken"])
    kill_proxy(served)
    assert served.ask()[0] == "one"


def test_a_killed_proxy_does_not_take_up_a_file_nobody_reloaded(served: Served) -> None:
    served.configure(text="two")
    kill_proxy(served)
    assert served.ask()[0] == "one", "a crash is not a reload"


def test_a_proxy_that_keeps_dying_is_started_ever_later(served: Served) -> None:
    delays = []
    for _ in range(4):
        kill_proxy(served)
        delays.append(served.program.event("proxy_died")["restart_in_seconds"])
        served.program.event("ready")
    assert delays == [0.0, 0.1, 0.2, 0.4]


def test_a_proxy_that_talks_nonsense_is_replaced(start: Any) -> None:
    served = start(text="one")
    served.ready()
    served.configure(babble=True)
    (error,) = served.reload()
    assert "died while it was reloading" in error
    assert served.program.event("proxy_not_understood")
    assert served.ask()[0] == "one"


# === the first start ===


def test_a_refused_configuration_ends_the_start_with_its_errors(start: Any) -> None:
    served = start(errors=["config.json:1:2: first", "config.json:3:4: second"])
    assert served.program.exit_code() == 1
    served.program.join()
    assert served.program.lines == ["config.json:1:2: first\n", "config.json:3:4: second\n"]


def test_a_proxy_that_dies_before_it_serves_ends_the_start(start: Any) -> None:
    served = start(die=True)
    assert served.program.event("proxy_died")["how"] == "SIGKILL"
    assert served.program.exit_code() == 1


def test_a_port_in_use_is_an_error_that_names_the_holder(start: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())
        served = start(listeners={"web": address})
        assert served.program.exit_code() == 1
        served.program.join()
    (line,) = served.program.lines
    assert line.startswith(f"{address} is in use by process {os.getpid()} (")


def test_a_second_supervisor_of_the_same_control_socket_is_refused(served: Served) -> None:
    with Program(ECHO, str(served.control), str(served.folder / "config.json")) as second:
        assert second.exit_code() == 1
        second.join()
        assert f"already runs with this configuration: process {served.program.pid}" in "".join(second.lines)
    assert served.ask()[0] == "one"


# === reload ===


def test_a_reload_answers_when_the_new_plan_serves(served: Served) -> None:
    served.configure(text="two")
    assert served.reload() == []
    assert served.ask()[0] == "two"


def test_a_bad_file_changes_nothing_and_every_error_is_told(served: Served) -> None:
    served.configure(errors=["first", "second"])
    assert served.reload() == ["first", "second"]
    assert served.program.event("plan_refused")["errors"] == ["first", "second"]
    assert served.ask()[0] == "one"


def test_a_hangup_reloads(served: Served) -> None:
    served.configure(text="two")
    served.program.signal(signal.SIGHUP)
    served.program.event("reloaded", cause="reload")
    assert served.ask()[0] == "two"


def test_a_listener_is_added_and_another_removed(served: Served, free_port: int) -> None:
    new = f"127.0.0.1:{free_port}"
    served.configure(text="two", listeners={"web": "127.0.0.1:0", "new": new})
    assert served.reload() == []
    served.addresses["new"] = parse(new)
    assert served.ask("new")[0] == "two"
    served.configure(text="three", listeners={"web": "127.0.0.1:0"})
    assert served.reload() == []
    with pytest.raises(ConnectionRefusedError):
        served.connect("new")
    assert served.ask()[0] == "three"


def test_a_reload_that_is_refused_opens_no_port(served: Served, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bad = "{}:{}".format(*taken.getsockname())
        served.configure(listeners={"web": "127.0.0.1:0", "new": f"127.0.0.1:{free_port}", "bad": bad})
        (error,) = served.reload()
    assert error.startswith(f"{bad} is in use by process {os.getpid()}")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port))
    assert served.ask()[0] == "one"


def test_an_open_connection_outlives_a_reload(served: Served) -> None:
    with served.connect() as connection:
        assert converse(connection, b"wait\n") == ["waiting"]
        served.configure(text="two")
        assert served.reload() == []
        assert converse(connection)[0] == "two"


def test_reloads_from_many_sides_are_all_answered(served: Served) -> None:
    answers: list[list[str]] = []
    callers = [threading.Thread(target=lambda: answers.append(served.reload())) for _ in range(8)]
    for caller in callers:
        caller.start()
        served.program.signal(signal.SIGHUP)
    for caller in callers:
        caller.join(20)
    assert answers == [[]] * 8


def test_a_proxy_that_dies_in_a_reload_is_an_error_to_who_asked(served: Served) -> None:
    served.configure(die=True)
    (error,) = served.reload()
    assert "died while it was reloading" in error
    assert served.ask()[0] == "one"


def test_nobody_answers_where_nobody_runs(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="no FlatProxy runs with this configuration"):
        ask_reload(tmp_path / "control.sock", 1)


def test_a_control_socket_is_for_its_owner_only(served: Served) -> None:
    assert served.control.stat().st_mode & 0o777 == 0o600


def test_nonsense_on_the_control_socket_is_hung_up_on(served: Served) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(served.control))
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.recv(10) == b""
    assert served.reload() == []


def test_systemd_is_told_each_step(start, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        served = start(text="one")
        served.ready()
        served.reload()
        served.program.signal(signal.SIGTERM)
        told = [systemd.recv(200).partition(b"\n")[0] for _ in range(4)]
    assert told == [b"READY=1", b"RELOADING=1", b"READY=1", b"STOPPING=1"]


# === the end ===


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(served: Served, number: signal.Signals) -> None:
    with served.connect() as running:
        assert converse(running, b"wait\n") == ["waiting"]
        served.program.signal(number)
        served.program.event("draining")
        assert converse(running)[0] == "one", "what runs is finished"
    assert served.program.exit_code() == 0
    assert not served.control.exists()
    with pytest.raises(ConnectionRefusedError):
        served.connect()


def test_a_second_signal_stops_at_once(served: Served) -> None:
    with served.connect() as running:
        converse(running, b"wait\n")
        served.program.signal(signal.SIGTERM)
        served.program.event("draining")
        served.program.signal(signal.SIGTERM)
        assert served.program.exit_code() == 0
        assert running.recv(10) == b""


def test_a_proxy_that_hangs_is_stopped_by_the_second_signal(served: Served) -> None:
    served.configure(hang_on_reload=True)
    served.program.signal(signal.SIGHUP)
    served.program.signal(signal.SIGTERM)
    served.program.event("draining")
    served.program.signal(signal.SIGINT)
    assert served.program.exit_code() == 0


def test_the_proxy_ends_when_its_supervisor_is_killed(served: Served) -> None:
    served.program.signal(signal.SIGKILL)
    served.program.join()
    with pytest.raises(ConnectionRefusedError):
        served.connect()


def test_the_next_supervisor_takes_over_after_a_kill(served: Served, start: Any) -> None:
    served.program.signal(signal.SIGKILL)
    served.program.join()
    again = start(text="two")
    again.ready()
    assert again.ask()[0] == "two"
