"""Where the demo listens when somebody else is there already."""

import os
import socket

from flatproxy.cli.demo.addresses import with_free_addresses


def test_free_addresses_stay_as_they_are(free_port):
    text = f"listen: 127.0.0.1:{free_port}"
    assert with_free_addresses(text) == (text, [])


def test_a_taken_address_is_replaced_everywhere_and_its_holder_named(free_port):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = f"127.0.0.1:{holder.getsockname()[1]}"
        text, moved = with_free_addresses(f"a: {taken}\nb: 127.0.0.1:{free_port}\nc: {taken}")
    assert [change.wanted for change in moved] == [taken]
    assert text == f"a: {moved[0].used}\nb: 127.0.0.1:{free_port}\nc: {moved[0].used}"
    assert f"process {os.getpid()}" in str(moved[0]), "whoever wonders sees who has the port"


def test_no_replacement_is_used_twice():
    with socket.socket() as first, socket.socket() as second:
        for holder in (first, second):
            holder.bind(("127.0.0.1", 0))
            holder.listen()
        _, moved = with_free_addresses(
            " ".join(f"127.0.0.1:{one.getsockname()[1]}" for one in (first, second))
        )
    assert len({change.used for change in moved}) == 2
