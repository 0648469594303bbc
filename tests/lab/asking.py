"""Somebody outside who asks the site by its names, through the server's published port."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.lab.rig import Server


@dataclass(frozen=True)
class Answer:
    """What was answered, header by header."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for header, value in self.headers if header.lower() == name]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    server: Server,
    host: str,
    path: str = "/",
    method: str = "GET",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask once, on a connection of its own; ``body`` goes as JSON."""
    with connected(server, host) as connection:
        sent = {"Connection": "close", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, sent)
        answer = connection.getresponse()
        return Answer(answer.status, tuple(answer.getheaders()), answer.read().decode())


@contextmanager
def connected(server: Server, host: str) -> Iterator[http.client.HTTPSConnection]:
    """A connection to the proxy under one of its names."""
    unverified = ssl._create_unverified_context()
    raw = socket.create_connection(("127.0.0.1", server.ports[443]), timeout=20)
    connection = http.client.HTTPSConnection(host, timeout=20, context=unverified)
    connection.sock = unverified.wrap_socket(raw, server_hostname=host)
    try:
        yield connection
    finally:
        connection.close()


def person() -> dict[str, str]:
    """Somebody new."""
    email = f"{time.time_ns()}@example.org"
    return {"email": email, "name": "Ada", "password": "correct horse battery"}
