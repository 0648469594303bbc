"""Certificates that the lab's authority gave, and what clients see of them. Helpers only."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.lab.rig import Server
from tests.lab.scenes import Scene
from tests.lab.seen import STATE
from tests.names import SITE


def digest(pem: str) -> str:
    """The digest of the first certificate in the text."""
    end = "-----END CERTIFICATE-----"
    first = pem[: pem.index(end)] + end + "\n"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()


def on_disk(server: Server) -> str:
    """The digest of the certificate in the folder that the proxy reads."""
    return digest(server.must(["cat", f"{STATE}/certs/fullchain.pem"]))


def served(scene: Scene, domain: str = SITE) -> str:
    """The digest of the certificate that a client gets for a domain."""
    with _connected(scene.ubuntu.ports[443], domain) as connection:
        return _shown(connection)


@dataclass
class Load:
    """What clients were answered while the block lasted."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    certificates: set[str] = field(default_factory=set)
    """The digests of the certificates that new connections got."""


@contextmanager
def load(scene: Scene) -> Iterator[Load]:
    """Four clients that never retry ask for the page: two keep their connection, two do not."""
    found, over = Load(), threading.Event()
    port = scene.ubuntu.ports[443]
    clients = [
        threading.Thread(target=_ask, args=(port, keeps, found, over))
        for keeps in (True, True, False, False)
    ]
    for client in clients:
        client.start()
    try:
        yield found
    finally:
        over.set()
        for client in clients:
            client.join(30)


def _ask(port: int, keeps: bool, found: Load, over: threading.Event) -> None:
    headers = {} if keeps else {"Connection": "close"}
    client = _Client(port, found)
    while not over.wait(0.02):
        try:
            client.request("GET", "/", headers=headers)
            answer = client.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            found.failures.append(repr(error))
            client.close()
        else:
            found.answered += 1
            if answer.status != 200:
                found.failures.append(str(answer.status))
    client.close()


class _Client(http.client.HTTPSConnection):
    """Connects to the published port under the site's name, and looks at the certificate."""

    def __init__(self, port: int, found: Load) -> None:
        super().__init__(SITE, timeout=20)
        self._port, self._found = port, found

    def connect(self) -> None:
        sock = _connected(self._port, SITE)
        self.sock = sock
        self._found.certificates.add(_shown(sock))


def _connected(port: int, domain: str) -> ssl.SSLSocket:
    unverified = ssl._create_unverified_context()
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    return unverified.wrap_socket(raw, server_hostname=domain)


def _shown(connection: ssl.SSLSocket) -> str:
    return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()
