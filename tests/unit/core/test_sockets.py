"""Listening sockets: opened all or none, a port in use names its holder, what is ours may overlap."""

import ipaddress
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flatproxy.core.holder import holders
from flatproxy.core.sockets import AddressError, SocketSet, format_address, parse_address

LOOPBACK = ipaddress.ip_address("127.0.0.1")


@pytest.fixture
def sockets():
    made = SocketSet()
    yield made
    made.keep_only(set())


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_each_address_gets_as_many_sockets_as_asked(sockets, free_port):
    assert sockets.ensure({f"127.0.0.1:{free_port}": 3, "[::1]:0": 1}) == []
    assert len(sockets.descriptors(f"127.0.0.1:{free_port}")) == 3
    assert len(sockets.descriptors("[::1]:0")) == 1


def test_port_0_is_chosen_once_for_all_sockets(sockets):
    sockets.ensure({"127.0.0.1:0": 3})
    _, port = parse_address(sockets.bound("127.0.0.1:0"))
    for descriptor in sockets.descriptors("127.0.0.1:0"):
        with socket.socket(fileno=os.dup(descriptor)) as one:
            assert one.getsockname()[1] == port


def test_an_open_address_is_kept_as_it_is(sockets, free_port):
    address = f"127.0.0.1:{free_port}"
    sockets.ensure({address: 2})
    before = sockets.descriptors(address)
    assert sockets.ensure({address: 2}) == []
    assert sockets.descriptors(address) == before


def test_a_closed_address_refuses_connections(sockets, free_port):
    sockets.ensure({f"127.0.0.1:{free_port}": 2, "127.0.0.1:0": 1})
    assert sockets.keep_only({"127.0.0.1:0"}) == [f"127.0.0.1:{free_port}"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port))


def test_a_port_in_use_names_the_holder_and_opens_nothing_new(sockets, taken, free_port):
    errors = sockets.ensure({f"127.0.0.1:{free_port}": 1, f"127.0.0.1:{taken}": 1})
    (error,) = errors
    assert error.startswith(f"127.0.0.1:{taken} is in use by process {os.getpid()} (")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port))


def test_all_bad_addresses_are_told(sockets, taken):
    errors = sockets.ensure({f"127.0.0.1:{taken}": 1, f"0.0.0.0:{taken}": 1, "192.0.2.1:80": 1})
    assert len(errors) == 3
    assert "no interface of this machine has that address" in errors[2]


def test_a_port_shared_by_others_is_not_joined(sockets):
    """Even where SO_REUSEPORT would let us: half of the connections would go to the other one."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        port = other.getsockname()[1]
        (error,) = sockets.ensure({f"127.0.0.1:{port}": 1})
    assert f"in use by process {os.getpid()}" in error


def test_an_address_may_widen_to_all_interfaces(sockets, free_port):
    """As a reload does that turns `127.0.0.1:80` into `0.0.0.0:80`: for a moment both are open."""
    sockets.ensure({f"127.0.0.1:{free_port}": 2})
    assert sockets.ensure({f"0.0.0.0:{free_port}": 2}) == []
    sockets.keep_only({f"0.0.0.0:{free_port}"})
    socket.create_connection(("127.0.0.1", free_port)).close()


def test_both_families_may_have_a_port(sockets, free_port):
    assert sockets.ensure({f"0.0.0.0:{free_port}": 1, f"[::]:{free_port}": 1}) == []


def test_a_privileged_port_says_what_it_needs():
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 1:
        pytest.skip("every port is unprivileged here")
    printed = as_nobody(
        "from flatproxy.core.sockets import SocketSet", "SocketSet().ensure({'127.0.0.1:1': 1})"
    )
    assert "CAP_NET_BIND_SERVICE" in printed


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "localhost:80", "127.0.0.1:http", "127.0.0.1:65536", ":80", ""]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(AddressError, match="is not ADDRESS:PORT"):
        parse_address(text)


def test_addresses_are_written_as_they_are_read():
    for text in ("127.0.0.1:80", "[::1]:443"):
        host, port = parse_address(text)
        assert format_address(str(host), port) == text


# === holders ===


def test_a_holder_is_found_on_every_address_that_clashes(taken):
    for host in ("127.0.0.1", "0.0.0.0"):
        (holder,) = holders(ipaddress.ip_address(host), taken)
        assert holder.pid == os.getpid()
    assert holders(ipaddress.ip_address("127.0.0.2"), taken) == []


def test_a_holder_on_ipv6_is_found():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        (holder,) = holders(ipaddress.ip_address("::1"), server.getsockname()[1])
    assert holder.pid == os.getpid()


def test_a_dual_stack_holder_clashes_with_ipv4():
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        (holder,) = holders(LOOPBACK, server.getsockname()[1])
    assert holder.pid == os.getpid()


def test_a_connection_is_no_holder(taken):
    with socket.create_connection(("127.0.0.1", taken)) as connection:
        assert holders(LOOPBACK, connection.getsockname()[1]) == []


def test_a_process_that_we_may_not_look_into_is_said_so(taken):
    if os.geteuid() != 0:
        pytest.skip("needs root, to become someone who may not look")
    printed = as_nobody(
        "import ipaddress; from flatproxy.core.holder import holders",
        f"*holders(ipaddress.ip_address('127.0.0.1'), {taken})",
    )
    assert "may not look into" in printed


def as_nobody(imports, expression):
    """What an expression prints in a process without privileges."""
    become = "import os; os.getuid() == 0 and (os.setgroups([]), os.setuid(65534))"
    code = f"{imports}\n{become}\nprint({expression})"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
