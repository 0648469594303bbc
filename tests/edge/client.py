"""Somebody with an address of their own who asks a proxy."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from .proxy import Proxy

DEADLINE = 10.0
PLAIN = (80, 8090, 8091)


@dataclass(frozen=True)
class Answer:
    """What came back. ``headers`` are as they came, doubles too."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name.lower()]

    def one(self, name: str) -> str:
        """The value of a header that came exactly once."""
        (value,) = self.all(name)
        return value

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """Asks from one address; ``port`` is the configuration's, not this machine's."""

    proxy: Proxy
    address: str
    port: int = 443

    def on(self, port: int) -> Client:
        """The same client at another port."""
        return replace(self, port=port)

    def ask(
        self,
        host: str,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        /,
        **headers: str,
    ) -> Answer:
        """One request on a connection of its own. ``X_Do="404"`` is the header ``X-Do: 404``."""
        with self.connected(host) as connection:
            return exchange(connection, host, path, method, body, **headers)

    @contextmanager
    def connected(self, host: str) -> Iterator[http.client.HTTPConnection]:
        """A connection, over TLS unless the port is a plain one."""
        raw = socket.create_connection(
            ("127.0.0.1", self.proxy.ports[self.port]), DEADLINE, (self.address, 0)
        )
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = http.client.HTTPConnection(host, timeout=DEADLINE)
        trusted = self.proxy.authority.trusted
        plain = self.port in PLAIN
        connection.sock = raw if plain else trusted.wrap_socket(raw, server_hostname=host)
        try:
            yield connection
        finally:
            connection.close()


def exchange(
    connection: http.client.HTTPConnection,
    host: str,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    /,
    **headers: str,
) -> Answer:
    """One request on an open connection."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"Host": host, **named})
    answer = connection.getresponse()
    found = tuple((name.lower(), value) for name, value in answer.getheaders())
    return Answer(answer.status, found, answer.read())
