"""`flatproxy run` as a whole: start, reload under load, restart after a crash, rotation, the end."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from flatproxy.cli.main import app
from tests.unit.core.program import Program
from tests.unit.core.running import COMMAND, respond


@pytest.fixture
def running(run):
    return run(listeners=[respond("one")]).ready()


# === start ===


def test_the_chosen_port_is_told_and_serves(running):
    assert running.addresses["web"] != "127.0.0.1:0"
    assert running.get().text == "one"


def test_readiness_is_told_on_a_descriptor(run, tmp_path):
    (tmp_path / "flatproxy.yaml").write_text(json.dumps({"listeners": [respond("one")]}))
    reader, writer = os.pipe()
    command = [sys.executable, *COMMAND, "run", "--ready-fd", str(writer)]
    with (
        os.fdopen(reader) as told,
        subprocess.Popen(command, cwd=tmp_path, pass_fds=[writer], stderr=subprocess.DEVNULL) as process,
    ):
        os.close(writer)
        address = json.loads(told.readline())["listeners"][0]["address"]
        assert httpx.get(f"http://{address}/", trust_env=False).text == "one"
        process.terminate()


def test_every_error_of_the_file_ends_the_start(run):
    running = run(listeners=[respond("one")], drian="5s", workers=0)
    assert running.program.exit_code() == 1
    running.program.join()
    lines = running.program.lines
    assert len(lines) == 2
    assert all(line.startswith(f"{running.file}:1:") for line in lines), lines
    assert "did you mean 'drain'" in "".join(lines)


def test_a_port_in_use_is_said_with_who_holds_it(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())
        running = run(listeners=[respond("one", address)])
        assert running.program.exit_code() == 1
        running.program.join()
    assert f"{address} is in use by process {os.getpid()}" in "".join(running.program.lines)


def test_a_second_run_of_the_same_file_is_refused(running):
    control = str(running.folder / "control.sock")
    with Program(*COMMAND, "run", "-c", str(running.file), "--control", control) as second:
        assert second.exit_code() == 1
        second.join()
    assert f"already runs with this configuration: process {running.program.pid}" in "".join(second.lines)


def test_the_supervisor_stays_a_process_of_one_thread(running):
    """Forking it is safe only as long as that is so."""
    assert len(list(Path(f"/proc/{running.program.pid}/task").iterdir())) == 1


def test_every_descriptor_that_the_system_grants_may_be_used(running):
    limits = Path(f"/proc/{running.proxy_pid}/limits").read_text()
    (soft, hard) = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[
        3:5
    ]
    assert soft == hard


ADMIN_FAILS_TWICE = """
import errno, flatproxy.admin, flatproxy.core.proxy
from flatproxy.cli import main

flatproxy.core.proxy.RETRY_SECONDS = 0.1
start, failures = flatproxy.admin.start, [OSError(errno.EMFILE, "no descriptor left")] * 2

def start_at_last(*arguments):
    if failures:
        raise failures.pop()
    return start(*arguments)

flatproxy.admin.start = start_at_last
main()
"""


def test_an_admin_address_that_cannot_open_costs_no_traffic_and_is_tried_again(run, monkeypatch):
    monkeypatch.setattr("tests.unit.core.running.COMMAND", ("-c", ADMIN_FAILS_TWICE))
    running = run(listeners=[respond("one")], admin={"listen": "127.0.0.3:0"}).ready()
    running.program.event("admin_failed", level="error")
    assert running.get().text == "one"
    assert httpx.get(f"{running.admin}/healthz", timeout=20, trust_env=False).status_code == 200


# === reload ===


def test_a_reload_serves_the_new_file(running):
    running.configure(listeners=[respond("two")])
    assert running.reload() == (0, f"{running.file} is loaded\n")
    assert running.get().text == "two"


def test_a_bad_file_changes_nothing_and_says_everything(running):
    running.configure(listeners=[respond("two")], drian="5s", workers=0)
    code, said = running.reload()
    assert code == 1
    assert "did you mean 'drain'" in said
    assert "workers" in said
    assert "nothing was changed" in said
    assert len(running.program.event("plan_refused")["errors"]) == 2
    assert running.get().text == "one"


def test_a_reload_when_nothing_runs_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["reload"])
    assert done.exit_code == 1
    assert "no FlatProxy runs with this configuration" in done.stderr


def test_no_request_fails_while_files_good_and_bad_are_loaded(running):
    failures, stop = [], threading.Event()

    def load(*, keep: bool) -> None:
        limits = httpx.Limits(max_keepalive_connections=1 if keep else 0)
        with httpx.Client(limits=limits, timeout=20, trust_env=False) as client:
            while not stop.is_set():
                try:
                    answer = client.get(f"http://{running.addresses['web']}/")
                    if answer.text not in {"one", "two"}:
                        failures.append(answer.text)
                except httpx.HTTPError as error:
                    failures.append(repr(error))

    clients = [threading.Thread(target=load, kwargs={"keep": keep}) for keep in (True, False)]
    for client in clients:
        client.start()
    for turn in range(12):
        if turn % 3 == 2:
            running.configure(listeners=[], nonsense=True)
        else:
            running.configure(
                listeners=[
                    respond("two" if turn % 2 else "one"),
                    respond("x", f"127.0.0.{2 + turn % 3}:0", "other"),
                ]
            )
        running.program.signal(signal.SIGHUP)
        running.program.event("plan_refused" if turn % 3 == 2 else "reloaded")
    stop.set()
    for client in clients:
        client.join()
    assert failures == []


def test_a_listener_is_added_and_removed(running):
    running.configure(listeners=[respond("two"), respond("new", "127.0.0.2:0", "new")])
    assert running.reload()[0] == 0
    assert running.get("new").text == "new"
    gone = running.addresses["new"]
    running.configure(listeners=[respond("three")])
    assert running.reload()[0] == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{gone}/", trust_env=False)
    assert running.get().text == "three"


def test_the_number_of_workers_stays_until_the_next_start(run):
    running = run(listeners=[respond("one")], workers=1).ready()
    running.configure(listeners=[respond("two")], workers=3)
    assert running.reload()[0] == 0
    running.program.lines.clear()
    running.kill_proxy()
    running.program.event("ready")
    assert {running.get().text for _ in range(10)} == {"two"}, "a socket without a data thread answers nobody"


# === a crash ===


def test_a_crash_while_the_file_is_broken_serves_the_last_good_plan(running):
    running.configure(listeners=[respond("two")])
    running.reload()
    running.file.write_text("listeners: [")
    running.kill_proxy()
    assert running.get().text == "two"
    died, again = running.program.event("proxy_died"), running.program.event("ready")
    assert died["how"] == "SIGKILL"
    gap = datetime.fromisoformat(again["time"]) - datetime.fromisoformat(died["time"])
    assert gap.total_seconds() < 1, "who waits in the sockets must be served within a second"


def test_a_reload_works_after_a_crash(running):
    running.kill_proxy()
    running.ready()
    running.configure(listeners=[respond("two")])
    assert running.reload()[0] == 0
    assert running.get().text == "two"


# === identity ===


def secure(running_folder, **identity):
    listener = {**respond("secure"), "tls": {"mode": "mutual"}}
    return {
        "identity": {"trust_domain": "demo.mesh", "dns_names": ["127.0.0.1"], **identity},
        "listeners": [listener],
    }


def issue(folder, name, *more):
    state = str(folder / ".flatproxy")
    options = ["--id", f"spiffe://demo.mesh/{name}", "--out", str(folder / name), "--state", state, *more]
    done = CliRunner().invoke(app, ["ca", "issue", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return folder / name


def serial_seen(client):
    stream = next(iter(client._transport._pool.connections))._connection._network_stream
    return stream.get_extra_info("ssl_object").getpeercert()["serialNumber"]


def serving_serial(running, client):
    """Of the certificate that a new connection is shown."""
    assert client.get(f"https://{running.addresses['web']}/").text == "secure"
    return serial_seen(client)


def test_our_certificate_is_rotated_without_dropping_a_connection(run, tmp_path):
    running = run(**secure(tmp_path, lifetime="4s")).ready()
    url = f"https://{running.addresses['web']}/"
    peer = issue(tmp_path, "web")
    with running.client(cert=peer) as old:
        assert old.get(url).text == "secure"
        first = serial_seen(old)
        running.program.event("identity_renewed")
        assert old.get(url).text == "secure"
        assert serial_seen(old) == first, "the old connection was kept"
        with running.client(cert=peer) as new:
            assert new.get(url).text == "secure"
            assert serial_seen(new) != first


def test_a_revoked_peer_is_refused_without_a_reload(run, tmp_path):
    running = run(**secure(tmp_path)).ready()
    url = f"https://{running.addresses['web']}/"
    peer = issue(tmp_path, "web")
    with running.client(cert=peer) as client:
        assert client.get(url).text == "secure"
    revoke = ["ca", "revoke", "--cert", str(peer / "cert.pem"), "--state", str(tmp_path / ".flatproxy")]
    assert CliRunner().invoke(app, revoke).exit_code == 0
    running.program.event("identity_renewed")
    with running.client(cert=peer) as client, pytest.raises(httpx.HTTPError):
        client.get(url)


def test_bad_files_keep_the_certificate_and_raise_an_alarm(run, tmp_path, free_port):
    CliRunner().invoke(
        app, ["ca", "init", "--trust-domain", "demo.mesh", "--state", str(tmp_path / ".flatproxy")]
    )
    ours = issue(tmp_path, "flatproxy", "--name", "127.0.0.1")
    files = {name: str(ours / f"{name}.pem") for name in ("cert", "key", "ca")}
    config = secure(tmp_path)
    config["identity"] = {"trust_domain": "demo.mesh", "files": files}
    running = run(**config, admin={"listen": f"127.0.0.1:{free_port}"}).ready()
    with running.client(cert=ours) as client:
        serial_before = serving_serial(running, client)
    (ours / "cert.pem").write_text("half a certifi")
    assert "cert.pem" in running.program.event("identity_not_renewed", level="error")["message"]
    metrics = httpx.get(f"{running.admin}/metrics", timeout=20, trust_env=False).text
    assert "flatproxy_identity_failing 1\n" in metrics
    peer = issue(tmp_path, "peer")
    with running.client(cert=peer) as client:
        assert serving_serial(running, client) == serial_before
    issue(tmp_path, "flatproxy", "--name", "127.0.0.1")
    running.program.event("identity_renewed")
    with running.client(cert=peer) as client:
        assert serving_serial(running, client) != serial_before


def test_rotation_goes_on_after_a_crash(run, tmp_path):
    running = run(**secure(tmp_path, lifetime="4s")).ready()
    running.kill_proxy()
    running.ready()
    running.program.event("identity_renewed")
    with running.client(cert=issue(tmp_path, "web")) as client:
        assert client.get(f"https://{running.addresses['web']}/").text == "secure"


# === the end ===


def test_sigterm_ends_with_exit_code_0(running):
    running.get()
    running.program.signal(signal.SIGTERM)
    assert running.program.exit_code() == 0


def test_a_killed_supervisor_leaves_no_orphan(running):
    running.program.signal(signal.SIGKILL)
    running.program.join()
    with pytest.raises(httpx.ConnectError):
        running.get()
