"""Ports that are tried from here while somebody answers there: real ones of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
from invoke import Context

from fabfile.model.access.way_in import Gateway
from fabfile.remote.access import knocking
from fabfile.remote.host import Host
from fabfile.remote.output import Output, Timeout

from .builders import SERVER


class Deaf(Host):
    """A host on which the listener runs where nobody from here gets to."""

    def read(
        self, words: Sequence[str], *, stdin: str = "", timeout: Timeout = 30, check: bool = True
    ) -> Output:
        return Output(0, "")


SERVED = replace(SERVER, connection="local", host="127.0.0.1")
HERE, AWAY = Host(SERVED, Context()), Deaf(SERVED, Context())


def free_ports(number: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(one.getsockname()[1]) for one in taken]
    for one in taken:
        one.close()
    return ports


@contextmanager
def another_service() -> Iterator[int]:
    """A port at which somebody else greets whoever comes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:  # closed
                    return
                with connection:
                    connection.sendall(b"hello")

        thread = threading.Thread(target=greet)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_ports_that_are_reached_are_not_told_and_free_again() -> None:
    ports = free_ports(2)
    assert knocking.unreached(HERE, ports, sudo=False) == {}
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()


def test_a_port_that_is_closed_is_told_with_what_connecting_says() -> None:
    (port,) = free_ports(1)
    found = knocking.unreached(AWAY, [port], sudo=False, seconds=0.5)
    assert found == {port: "connection refused"}


def test_somebody_else_who_answers_is_not_taken_for_the_server() -> None:
    with another_service() as port:
        found = knocking.unreached(AWAY, [port], sudo=False, seconds=0.5)
    assert found == {port: "somebody else answers"}


def test_the_listener_ends_by_itself_and_leaves_a_taken_port_alone() -> None:
    with another_service() as port:
        assert knocking.unreached(HERE, [port], sudo=False, seconds=0.5) == {
            port: "somebody else answers"
        }


def test_where_no_listener_can_run_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knocking, "LISTENER", "import sys; sys.exit(1)")
    assert knocking.unreached(HERE, free_ports(1), sudo=False, seconds=0.1) == {}


def test_no_port_needs_no_listener() -> None:
    assert knocking.unreached(AWAY, [], sudo=True) == {}


def test_behind_a_jump_host_the_own_address_is_asked() -> None:
    (port,) = free_ports(1)
    behind = replace(
        SERVED, host="10.255.255.1", address="127.0.0.1", gateway=Gateway("door.example")
    )
    assert knocking.unreached(Host(behind, Context()), [port], sudo=False) == {}
