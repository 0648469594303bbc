"""A real receiver of webhooks on this machine, and what it has got."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """``got``: what was posted, oldest first: path, headers and what the JSON says."""

    port: int
    got: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    code: int = 200
    """How it answers."""
    hangs: threading.Event = field(default_factory=threading.Event)
    """Set where it answers at once."""

    @property
    def url(self) -> str:
        """Its address for apprise."""
        return f"json://127.0.0.1:{self.port}/hook"

    @property
    def titles(self) -> list[str]:
        """The titles of the messages."""
        return [body["title"] for _, _, body in self.got]

    def messages(self) -> list[str]:
        """The messages themselves, and from now on only later ones."""
        found = [f"{body['title']}\n{body['message']}" for _, _, body in self.got]
        self.got.clear()
        return found


@contextmanager
def receiving(address: str = "127.0.0.1") -> Iterator[Receiver]:
    """Listen while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            receiver.hangs.wait()
            receiver.got.append((self.path, dict(self.headers), json.loads(body or b"{}")))
            self.send_response(receiver.code)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(server.server_address[1])
    receiver.hangs.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.hangs.set()
        server.shutdown()
        server.server_close()
        thread.join()
