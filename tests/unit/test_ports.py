"""Whether somebody listens at a port, asked by the real script of real sockets."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path, PurePosixPath

from invoke import Context

from fabfile.remote.host import Host
from fabfile.remote.ports import Place, listening
from tests.unit.builders import SERVER


def test_those_that_take_a_connection_are_named(tmp_path: Path) -> None:
    host = Host(replace(SERVER, root=PurePosixPath(tmp_path), connection="local"), Context())
    with socket.create_server(("127.0.0.1", 0)) as taking, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # it never listens
        heard, deaf = taking.getsockname()[1], bound.getsockname()[1]
        places = [
            Place("port:deaf:1", "127.0.0.1", deaf),
            Place("port:web:80", "127.0.0.1", heard),
        ]
        assert listening(host, places) == {"port:web:80"}


def test_where_nothing_is_to_be_asked_no_command_is_run() -> None:
    host = Host(SERVER, Context())
    assert listening(host, []) == set()
