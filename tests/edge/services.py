"""Stands in for the services behind a proxy.

What it does is asked for by the header ``X-Do``:

=============  ====================================================================
a number       answers with that status
``close``      closes the connection without an answer
``hang``       never answers
``large``      answers with much JSON
``endless``    answers with 64 MB, as fast as they are taken
``stream``     sends an event every few milliseconds, each with the moment it was sent
=============  ====================================================================

Without it the answer is 200 and tells what arrived. Each answer carries headers that are the
proxy's business, so that a test sees whether they come twice; CORS and the like are its own.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGE_POLICY = "default-src 'none'; script-src 'self'"
FOR_EVER = "public, max-age=31536000, immutable"
EVENTS = 25
BEAT = 0.02
MUCH = [{"title": f"wish {number}"} for number in range(200)]


class Service(ThreadingHTTPServer):
    """One service; ``seen`` are the requests that came, ``connections`` how many brought them.

    ``stuck``: nobody takes the rest of an endless answer.
    """

    daemon_threads = True

    def __init__(self, name: str, heard: threading.Event, at: tuple[str, int]) -> None:
        super().__init__(at, Handler)
        self.name = name
        self.seen: list[dict[str, Any]] = []
        self.connections = 0
        self.heard = heard
        self.released = threading.Event()
        self.stuck = threading.Event()

    @property
    def place(self) -> str:
        return f"{self.server_address[0]!s}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A proxy that hangs up is no error here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Service

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def log_message(self, *_: Any) -> None:
        pass

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        wanted = self.headers.get("X-Do", "200")
        if length:
            first = self.rfile.read(1)
            self.server.heard.set()
            body = first + self.rfile.read(length - 1)
        else:
            body = b""
        self.server.seen.append(
            {"method": self.command, "path": self.path, "body": len(body), **self.told()}
        )
        if wanted == "close":
            self.close_connection = True
        elif wanted == "hang":
            self.server.released.wait(20)
            self.close_connection = True
        elif wanted == "stream":
            self.stream()
        elif wanted == "endless":
            self.endless()
        elif wanted == "page":
            self.answer_without_a_policy()
        elif wanted == "large":
            self.answer(200, json.dumps(MUCH).encode())
        else:
            told = {"status": "ok", **self.server.seen[-1]}
            self.answer(int(wanted), json.dumps(told).encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = handle_any  # noqa: N815 - the base's names

    def told(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def answer(self, status: int, body: bytes) -> None:
        empty = status in (204, 304)
        self.send_response(status)
        self.own_headers()
        if self.server.name == "waf" and status == 403:
            self.send_header("X-Accel-Redirect", "@403")
        self.send_header("Content-Type", "application/json")
        if not empty:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not empty and self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def answer_without_a_policy(self) -> None:
        body = b"<script src=/a.js></script>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def own_headers(self) -> None:
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Strict-Transport-Security", "max-age=1")
        self.send_header("X-Request-ID", "mine")
        self.send_header("X-Served-By", self.server.name)
        if self.server.name == "frontend":
            self.send_header("Content-Security-Policy", PAGE_POLICY)
            kept = FOR_EVER if self.path.startswith("/assets/") else "no-cache"
            self.send_header("Cache-Control", kept)
        elif origin := self.headers.get("Origin"):
            self.send_header("Access-Control-Allow-Origin", origin)
            self.send_header("Vary", "Origin")

    def endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.connection.settimeout(1)
        try:
            for _ in range(64):
                self.wfile.write(bytes(1 << 20))
        except TimeoutError:
            self.server.stuck.set()

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache, no-transform")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()
        for _ in range(EVENTS):
            time.sleep(BEAT)
            self.wfile.write(f"data: {time.monotonic()}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True


@contextmanager
def serving(
    name: str, heard: threading.Event, at: tuple[str, int] = ("127.0.0.1", 0)
) -> Iterator[Service]:
    """A service that listens until the end of the block; ``heard`` tells that a body has begun."""
    with Service(name, heard, at) as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield service
        finally:
            service.released.set()
            service.shutdown()
            thread.join()
