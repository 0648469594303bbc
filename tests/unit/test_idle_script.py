"""Whether a service closes connections before the proxy does, asked of real connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.model.stack import Stack
from fabfile.remote.deploy import idle
from fabfile.remote.host import Host

from .builders import STACK
from .proxying import program

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def serving(seconds: float, answer: bytes = ANSWER) -> Iterator[int]:
    """A service that answers once and closes the connection so long after; its port."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)
                ended.wait(seconds)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            thread.join()


@pytest.fixture
def here(stubs: Path) -> None:
    program(stubs, "docker", "#!/bin/sh\necho 127.0.0.1 ''\n")


def stack(port: int, name: str = "web") -> Stack:
    front = STACK.service("proxy")
    front = replace(front, hints=replace(front.hints, upstreams=("upstreams.conf", "more.conf")))
    asked = replace(STACK.service("web"), name=name)
    asked = replace(asked, hints=replace(asked.hints, port=port))
    return replace(STACK, services=(asked, front))


def test_a_service_that_closes_before_the_proxy_does_is_told(host: Host, here: None) -> None:
    with serving(1.5) as port:
        (said,) = idle.impatient(host, stack(port))
    assert said.startswith("web closes an idle connection after ")
    assert said.endswith(
        " s, but the proxy keeps it for 60 s: requests that meet the close end with 502;"
        " let the service keep it longer"
    )


def test_a_service_that_keeps_it_for_as_long_as_it_is_held_is_not_told(
    host: Host, here: None
) -> None:
    with serving(600) as port:
        assert idle.impatient(host, stack(port), hold=2) == []


def test_a_service_that_says_that_it_closes_fights_nobody(host: Host, here: None) -> None:
    with serving(0, ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) as port:
        assert idle.impatient(host, stack(port)) == []


def test_the_proxys_own_time_is_read_from_its_files(host: Host, here: None) -> None:
    file = Path(host.server.path / "more.conf")
    file.write_text(f"{file.read_text()}\n    keepalive_timeout 1s;\n")
    with serving(2.5) as port:
        assert idle.impatient(host, stack(port)) == []


@pytest.mark.parametrize(("name", "hold"), [("job", 5), ("web", 0)])
def test_a_service_that_the_proxy_does_not_ask_is_not_asked(
    host: Host, here: None, name: str, hold: int
) -> None:
    assert idle.impatient(host, stack(1, name), hold) == []


def test_a_service_that_does_not_answer_is_another_gates_business(host: Host, here: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert idle.impatient(host, stack(port)) == []
