"""What operators and their machines do to a proxy under load: whatever can be served still is."""

import json
import signal
import subprocess
import threading
from contextlib import ExitStack

import pytest

from tests.e2e.stand.client import Client, Cut, Neighbour
from tests.e2e.stand.deployment import listener, route, until, upstream
from tests.e2e.stand.names import NameServer

RELOADS = 50
ASKERS = 8


# === the access log ===


def ask(proxy, times=1):
    with Client(proxy.address()) as client:
        for _ in range(times):
            assert client.get().status == 200, "a log is no reason to refuse anyone"


def lost(proxy):
    return proxy.metric("flatproxy_access_log_dropped_total", reason="write_failed")


def test_an_access_log_on_a_full_disk_costs_lines_and_no_traffic(deploy, service):
    proxy = deploy(access_log="/dev/full", listeners=[listener()], upstreams=[upstream(service.address)])
    with Neighbour(proxy.address()):
        ask(proxy, 100)
        until(lambda: lost(proxy) >= 100, "every line that is lost should be counted")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk, and not everywhere")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_the_access_log_goes_on_when_the_disk_has_room_again(deploy, service, small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(bytes(48 * 1024))
    log = small_disk / "access.log"
    proxy = deploy(access_log=str(log), listeners=[listener()], upstreams=[upstream(service.address)])
    ask(proxy, 200)
    until(lambda: lost(proxy), "the disk should be full")
    filler.unlink()
    ask(proxy, 1)
    last = until(lambda: whole_lines(log)[-1:], "what comes when there is room should be written")[0]
    assert last["status"] == 200


def whole_lines(log):
    lines = []
    for line in log.read_text().splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue  # the one that was cut when the disk was full
    return lines


# === names ===


def named(port):
    return [upstream(f"shop.example:{port}")]


@pytest.mark.parametrize("end", ["dies", "forgets"])
def test_a_name_that_resolves_no_more_keeps_its_last_addresses(end, deploy, service):
    with NameServer("127.0.0.1") as names:
        dns = {"servers": [names.listen], "refresh": "1s"}
        proxy = deploy(dns=dns, listeners=[listener()], upstreams=named(service.port))
        until(lambda: not flag_of_an_answer(proxy), "the name should be resolved")
        if end == "dies":
            names.die()
        else:
            names.address = None
        with Neighbour(proxy.address()):
            failed = {"change": "resolution_failed"}
            until(
                lambda: proxy.metric("flatproxy_upstream_changes_total", **failed),
                "that it fails should be told",
            )


def flag_of_an_answer(proxy):
    with Client(proxy.address()) as client:
        return client.get().flag


def test_a_name_that_was_never_resolved_is_a_503_until_it_is(deploy, service):
    with NameServer(None) as names:
        dns = {"servers": [names.listen], "refresh": "1s"}
        static = route("static", "static", match={"path": {"exact": "/static"}})
        upstreams = [*named(service.port), upstream(service.address, name="static")]
        proxy = deploy(dns=dns, listeners=[listener(route(), static)], upstreams=upstreams)
        with Client(proxy.address()) as client, Neighbour(proxy.address(), "/static"):
            told = client.get()
            assert (told.status, told.flag) == (503, "NO_ENDPOINT")
            until(lambda: names.asked, "the name server should be asked")
            names.address = "127.0.0.1"
            until(lambda: client.get().status == 200, "it should be served once the name is known")


# === reloads, ends, deaths ===


def test_no_request_fails_in_fifty_reloads_with_bad_files_among_them(deploy, serve):
    services = [serve(), serve()]

    def config(turn):
        shop = upstream(
            *[it.address for it in services[: 1 + turn % 2]], balance=["round_robin", "random"][turn % 2]
        )
        extra = [listener(name="extra", listen="127.0.0.2:0")] if turn % 3 else []
        name = f"route-{turn % 4}"
        return {"listeners": [listener(route(name)), *extra], "upstreams": [shop]}

    bad = [
        {"listeners": []},
        {**config(0), "nonsense": True},
        {**config(0), "upstreams": []},
        {**config(0), "workers": -1},
    ]
    proxy = deploy(**config(0))
    with ExitStack() as load:
        neighbours = [load.enter_context(Neighbour(proxy.address(), pause=0)) for _ in range(4)]
        for turn in range(RELOADS):
            refused = turn % 4 == 3
            proxy.configure(**(bad[turn // 4 % len(bad)] if refused else config(turn)))
            proxy.program.signal(signal.SIGHUP)
            proxy.program.event("plan_refused" if refused else "reloaded")
        assert min(it.answered for it in neighbours) > RELOADS, "there should have been load all the time"


class Askers:
    """Clients who ask without a pause on connections that they use five times; what is lost is written down."""

    def __init__(self, address):
        self._address = address
        self.answered, self.refused, self.lost = 0, 0, []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(ASKERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        until(lambda: self.answered > 10 * ASKERS, "they should be served at first")
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self):
        while not self._stopping.is_set():
            try:
                with Client(self._address) as client:
                    self._converse(client)
            except ConnectionRefusedError:
                self.refused += 1
                return
            except (OSError, Cut) as error:
                self.lost.append(repr(error))

    def _converse(self, client):
        for _ in range(5):
            told = client.get()
            self.answered += 1
            if told.status != 200:
                self.lost.append(f"{told.status} {told.flag}")
            if told.headers.get("connection") == "close":
                return


def test_sigterm_under_load_costs_no_request(deploy, service):
    proxy = deploy(listeners=[listener()], upstreams=[upstream(service.address)])
    with Askers(proxy.address()) as askers:
        proxy.program.signal(signal.SIGTERM)
        assert proxy.program.exit_code() == 0
        until(lambda: askers.refused == ASKERS, "nobody should be let in afterwards")
    assert not askers.lost, f"who was let in should have been answered: {askers.lost[:5]}"


def test_kill_9_under_load_costs_only_what_was_under_way(deploy, service):
    proxy = deploy(listeners=[listener()], upstreams=[upstream(service.address)])
    with Askers(proxy.address()) as askers:
        for _ in range(3):
            proxy.kill_proxy()
            proxy.ready()
            answered = askers.answered
            until(lambda: askers.answered > answered + 10 * ASKERS, "they should be served again")  # noqa: B023
    assert askers.refused == 0, "the port should never be closed"
    assert len(askers.lost) <= 3 * ASKERS, (
        f"a death should cost each at most the one under way: {askers.lost}"
    )
