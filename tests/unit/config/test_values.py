"""Single values: what an operator may write, and what it means."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from flatproxy.config import network, values


def read(kind, value):
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("250ms", 0.25),
        ("5s", 5),
        ("1.5s", 1.5),
        ("1m", 60),
        ("24h", 86400),
        ("7d", 604800),
        (3, 3),
        (0.5, 0.5),
    ],
)
def test_durations(written, seconds):
    assert read(values.Duration, written) == timedelta(seconds=seconds)


@given(st.integers(1, 365 * 24 * 3600 * 1000))
def test_a_duration_is_written_the_way_it_is_read(milliseconds):
    duration = timedelta(milliseconds=milliseconds)
    assert read(values.Duration, values.written_duration(duration)) == duration


@pytest.mark.parametrize(
    ("written", "size"), [("512B", 512), ("64KiB", 65536), ("1MiB", 1 << 20), (100, 100)]
)
def test_sizes(written, size):
    assert read(values.Size, written) == size


@pytest.mark.parametrize(("written", "share"), [("50%", 50), (0, 0), ("100%", 100)])
def test_shares(written, share):
    assert read(values.Share, written) == share


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("[::1]:80", "[::1]:80"),
        ("[0:0:0:0:0:0:0:1]:80", "[::1]:80"),
        ("[::]:443", "[::]:443"),
    ],
)
def test_addresses_have_one_form(written, address):
    assert str(read(network.ListenAddress, written)) == address


@pytest.mark.parametrize(
    "written", ["[::ffff:1.2.3.4]:80", "[fe80::1%eth0]:80", "[1.2.3.4]:80", "a:b:80", ":80", "a"]
)
def test_addresses_that_could_be_read_in_two_ways_are_refused(written):
    with pytest.raises(ValidationError):
        read(network.ListenAddress, written)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("Orders.DEMO", "orders.demo"),
        ("*.demo", "*.demo"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
        ("1.2.3.4", "1.2.3.4"),
    ],
)
def test_hosts_have_one_form(written, host):
    assert read(network.HostPattern, written) == host


@pytest.mark.parametrize(
    "written", ["", "a b", "a..b", "*.*.demo", "a.demo.", "café.demo", "a/b", "-a.demo", "x" * 64]
)
def test_hosts_that_no_request_can_name_are_refused(written):
    with pytest.raises(ValidationError):
        read(network.HostPattern, written)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("A.demo", "a.demo"),
        ("a.demo:80", "a.demo:80"),
        ("::1", "[::1]"),
        ("[::1]:80", "[::1]:80"),
        ("1.2.3.4", "1.2.3.4"),
    ],
)
def test_hosts_of_requests_may_have_a_port(written, host):
    assert read(network.Host, written) == host


@pytest.mark.parametrize("written", ["spiffe://a.b/c", "spiffe://a.b/c/d-e_f.g"])
def test_spiffe_ids(written):
    assert read(network.SpiffeId, written) == written


@pytest.mark.parametrize(
    "written",
    [
        "spiffe://A.b/c",
        "spiffe://a.b/c/",
        "spiffe://a.b//c",
        "spiffe://a.b/../c",
        "http://a.b/c",
        "spiffe://",
    ],
)
def test_what_is_no_spiffe_id_is_refused(written):
    with pytest.raises(ValidationError):
        read(network.SpiffeId, written)


def test_a_file_starts_at_the_folder_of_the_configuration():
    adapter = TypeAdapter(values.File)
    assert adapter.validate_python("a.pem", context={"folder": Path("/etc")}) == Path("/etc/a.pem")
    assert adapter.validate_python("/b/a.pem", context={"folder": Path("/etc")}) == Path("/b/a.pem")
