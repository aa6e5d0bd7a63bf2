"""The admin address over real HTTP."""

import signal
import socket
import stat

import httpx
import pytest

from tests.unit.core.conftest import run  # noqa: F401
from tests.unit.core.running import respond


@pytest.fixture
def running(run, free_port):  # noqa: F811
    return run(admin={"listen": f"127.0.0.1:{free_port}"}, listeners=[respond("one")]).ready()


@pytest.fixture
def admin(running):
    with httpx.Client(base_url=running.admin, timeout=20, trust_env=False) as client:
        yield client


def test_health_and_readiness(admin):
    assert (admin.get("/healthz").status_code, admin.get("/healthz").text) == (200, "ok\n")
    assert (admin.get("/ready").status_code, admin.get("/ready").text) == (200, "serving\n")


def test_not_ready_while_draining(running, admin):
    with socket.create_connection(running.addresses["web"].split(":"), timeout=20) as busy:
        busy.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n")  # half a request keeps the drain waiting
        assert admin.get("/ready").status_code == 200
        running.program.signal(signal.SIGTERM)
        running.program.event("draining")
        answers = iter(lambda: admin.get("/ready").status_code, 503)
        assert set(answers) <= {200}
        busy.sendall(b"\r\n")
        assert busy.recv(12) == b"HTTP/1.1 200"
    assert running.program.exit_code() == 0


def test_metrics_are_prometheus_text(running, admin):
    running.get()
    answer = admin.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'flatproxy_reloads_total{result="applied"} 0\n' in answer.text
    assert "process_start_time_seconds" in answer.text
    families = [line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE ")]
    assert len(families) == len(set(families)), "a family that is told twice is an error to Prometheus"


def test_the_plan_and_the_version_are_shown(admin):
    plan = admin.get("/plan").json()
    assert plan["listeners"][0]["routes"][0]["name"] == "all"
    assert admin.get("/version").json()["version"]


def test_status_tells_the_process_and_the_core(running, admin):
    status = admin.get("/status").json()
    assert (status["state"], status["pid"]) == ("serving", running.proxy_pid)
    assert [listener["name"] for listener in status["listeners"]] == ["web"]


def test_a_post_reloads(running, admin):
    config = {"admin": {"listen": running.admin.removeprefix("http://")}}
    running.configure(**config, listeners=[respond("two")])
    answer = admin.post("/reload")
    assert (answer.status_code, answer.json()) == (200, {"errors": []})
    assert running.get().text == "two"
    assert running.program.event("reloaded")["cause"] == "admin"


def test_a_refused_reload_tells_every_error(running, admin):
    running.configure(listeners=[], nonsense=1)
    answer = admin.post("/reload")
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 2
    assert 'flatproxy_reloads_total{result="refused"} 1\n' in admin.get("/metrics").text
    assert admin.get("/status").json()["last_reload_errors"] == answer.json()["errors"]
    assert running.get().text == "one"


def test_no_get_changes_anything(running, admin):
    running.configure(listeners=[respond("two")])
    for path in ("/reload", "/reload?method=POST"):
        assert admin.get(path).status_code == 405
    assert admin.get("/reload", headers={"x-http-method-override": "POST"}).status_code == 405
    assert running.get().text == "one"


def test_a_rebound_name_and_a_foreign_page_are_refused(admin):
    assert admin.get("/plan", headers={"host": "evil.example"}).status_code == 421
    answer = admin.post("/reload", headers={"origin": "http://evil.example"})
    assert answer.status_code == 403
    preflight = admin.options("/reload", headers={"origin": "http://evil.example"})
    assert "access-control-allow-origin" not in preflight.headers


def test_the_admin_address_survives_a_crash_of_the_proxy(running):
    running.kill_proxy()
    running.ready()
    assert httpx.get(f"{running.admin}/ready", timeout=20, trust_env=False).status_code == 200


def test_the_admin_address_moves_with_a_reload(running):
    old = running.admin
    running.configure(admin={"listen": "127.0.0.3:0"}, listeners=[respond("one")])
    assert running.reload()[0] == 0
    assert httpx.get(f"{running.admin}/ready", timeout=20, trust_env=False).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{old}/ready", trust_env=False)


def test_a_token_is_needed_where_one_is_set(run, tmp_path):  # noqa: F811
    token = tmp_path / "admin.token"
    token.write_text("s3cret\n")
    token.chmod(stat.S_IRUSR)
    running = run(
        admin={"listen": "0.0.0.0:0", "token_file": "admin.token"}, listeners=[respond("one")]
    ).ready()
    base = running.admin.replace("0.0.0.0", "127.0.0.1")
    with httpx.Client(base_url=base, timeout=20, trust_env=False) as client:
        assert client.get("/ready").status_code == 200
        for path in ("/metrics", "/plan", "/status", "/version", "/docs", "/openapi.json"):
            assert client.get(path).status_code == 401, path
        assert client.post("/reload").status_code == 401
        client.headers["authorization"] = "Bearer s3cret"
        assert client.get("/metrics").status_code == 200
        assert client.post("/reload").status_code == 200


def test_a_slow_admin_client_delays_no_request(running):
    address = running.admin.removeprefix("http://").split(":")
    slow = [socket.create_connection(address, timeout=20) for _ in range(50)]
    for connection in slow:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nhost: 127")
    assert running.get().text == "one"
    assert httpx.get(f"{running.admin}/healthz", timeout=20, trust_env=False).status_code == 200
    for connection in slow:
        connection.close()
