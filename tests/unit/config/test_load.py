"""Reading a file: what is taken, what paths mean, and what happens to files that are none."""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from flatproxy.config import ConfigErrors, load
from flatproxy.config.load import MAX_FILE_BYTES
from flatproxy.config.network import Address
from flatproxy.config.upstreams import Ejection

SMALLEST = """\
listeners:
  - name: web
    listen: 127.0.0.1:8080
    routes:
      - {name: all, upstream: app}
upstreams:
  - {name: app, endpoints: [127.0.0.1:9001]}
"""


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "flatproxy.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load(path)
    return [str(problem).removeprefix(str(path)) for problem in caught.value.problems]


def test_the_smallest_file_has_every_default(tmp_path):
    config = load(write(tmp_path, SMALLEST))
    listener, upstream = config.listeners[0], config.upstreams[0]
    assert listener.listen == Address("127.0.0.1", 8080), "the address is read"
    assert config.limits_of(listener).head == 64 * 1024, "64 KiB for a head unless told otherwise"
    assert config.limits_of(listener).headers == 100, "100 fields unless told otherwise"
    assert listener.routes[0].timeout == timedelta(seconds=15), (
        "a route gives up after 15 s unless told otherwise"
    )
    assert upstream.balance == "round_robin", "endpoints take turns unless told otherwise"
    assert upstream.ejection == Ejection(), "ejection is on unless switched off"
    assert config.admin is None, "no admin address unless asked for"
    assert config.worker_count() >= 1, "auto means at least one worker"


def test_every_key_can_be_given_at_once(maximal):
    config = load(maximal.path)
    assert config.source.warnings == (), "nothing in the maximal file is odd"
    assert config.limits_of(config.listeners[0]).headers == 60, "a listener's own limit counts"
    assert config.limits_of(config.listeners[0]).body == 10 << 20, (
        "what a listener does not say, the file says"
    )
    assert config.limits_of(config.listeners[1]).headers == 50, (
        "a listener without limits has those of the file"
    )


def test_paths_start_at_the_folder_of_the_file(maximal, monkeypatch):
    monkeypatch.chdir("/")
    config = load(maximal.path)
    folder = maximal.path.parent
    assert config.identity.state == folder / "state", "the state folder lies beside the file"
    assert config.access_log == folder / "access.log", "the access log lies beside the file"
    assert config.listeners[0].tls.client_ca == folder / "ca.pem", "the CA lies beside the file"


def test_the_state_folder_lies_beside_the_file_unless_given(tmp_path):
    config = load(write(tmp_path, f"identity: {{trust_domain: demo.mesh}}\n{SMALLEST}"))
    assert config.identity.state == tmp_path / ".flatproxy", "the default starts at the file, too"
    assert config.identity.own_id == "spiffe://demo.mesh/flatproxy", "our id is derived from the trust domain"


def test_both_families_may_have_one_port(tmp_path):
    text = SMALLEST.replace(
        "upstreams:", "  - {name: six, listen: '[::]:8080', routes: [{name: all, upstream: app}]}\nupstreams:"
    )
    assert len(load(write(tmp_path, text)).listeners) == 2, "[::] takes no IPv4 connections"


def test_a_part_can_be_repeated_by_an_alias(tmp_path):
    text = SMALLEST.replace("routes:", "routes: &routes").replace(
        "upstreams:", "  - {name: again, listen: 127.0.0.1:8081, routes: *routes}\nupstreams:"
    )
    config = load(write(tmp_path, text))
    assert config.listeners[0].routes == config.listeners[1].routes, "an alias stands for the whole value"


def test_an_upstream_that_no_route_uses_is_only_a_warning(tmp_path):
    path = write(tmp_path, f"{SMALLEST}  - {{name: spare, endpoints: [127.0.0.1:9002]}}\n")
    warnings = [str(warning) for warning in load(path).source.warnings]
    assert warnings == [f"{path}:8:12: upstream 'spare' is used by no route"], "it may be there for later"


def test_a_byte_order_mark_is_taken_off(tmp_path):
    assert load(write(tmp_path, b"\xef\xbb\xbf" + SMALLEST.encode())).listeners, (
        "some editors put one in front"
    )


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    message = ": cannot be read: no such file or directory; name another one with -c"
    assert refusal(tmp_path / "flatproxy.yaml") == [message]


def test_a_folder_is_no_file(tmp_path):
    assert refusal(tmp_path) == [": is a folder, not a configuration file"]


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "flatproxy.yaml"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert refusal(path) == [": is larger than 16 MiB"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ":1:1: the file is empty; it needs at least `listeners` and `upstreams`"),
        (b"# nothing\n", ":1:1: the file is empty; it needs at least `listeners` and `upstreams`"),
        (b"---\n", ":2:1: the file must be a mapping with `listeners` and `upstreams`, not nothing (null)"),
        (b"- a\n", ":1:1: the file must be a mapping with `listeners` and `upstreams`, not a list"),
        (b"a: \xff\n", ":1:4: the byte 0xff is not UTF-8; save it as UTF-8"),
        (b"# \xc3\xa9\nb: \xe9\n", ":2:4: the byte 0xe9 is not UTF-8; save it as UTF-8"),
        ("a: 1".encode("utf-16"), ": is UTF-16; save it as UTF-8"),
    ],
)
def test_what_is_no_configuration_is_said_so(tmp_path, content, expected):
    assert refusal(write(tmp_path, content)) == [expected]


def test_ten_thousand_routes_load_within_seconds(tmp_path):
    routes = "".join(
        f"      - {{name: r{n}, match: {{host: h{n}.demo, path: {{prefix: /v{n}}}, methods: [GET]}}, upstream: app}}\n"
        for n in range(10_000)
    )
    text = SMALLEST.replace("      - {name: all, upstream: app}\n", routes)
    before = time.process_time()
    config = load(write(tmp_path, text))
    spent = time.process_time() - before
    assert len(config.listeners[0].routes) == 10_000, "all routes are there"
    assert spent < 8, f"10,000 routes should take about a second of CPU, not {spent:.1f}"
