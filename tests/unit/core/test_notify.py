"""What systemd is told."""

import socket

import pytest

from flatproxy.core import notify


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path, monkeypatch):
    address = str(tmp_path / "notify") if request.param == "path" else f"@{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address.replace("@", "\0"))
        receiver.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield receiver


def test_each_state_is_told(systemd):
    notify.ready("serving")
    assert systemd.recv(200) == b"READY=1\nSTATUS=serving"
    notify.reloading()
    assert systemd.recv(200).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    notify.stopping()
    assert systemd.recv(200).startswith(b"STOPPING=1\n")


def test_nothing_happens_where_nobody_asked(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.ready("serving")


def test_a_deaf_systemd_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify.ready("serving")
