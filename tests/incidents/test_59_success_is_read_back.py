"""The off-site copy failed, and the mail said done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from tests.lab.bucket import operator_with
from tests.lab.scenes import Scene
from tests.lab.seen import STATE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SHELF = f"{STATE}/backups"
EMPTY = b'<?xml version="1.0"?><ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>'


class Yes(BaseHTTPRequestHandler):
    """An S3 server that says yes to everything and keeps nothing."""

    protocol_version = "HTTP/1.1"
    written: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self._answer(EMPTY if "list-type" in self.path else b"something else")

    def do_PUT(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                self.rfile.read(size + 2)
            while self.rfile.readline().strip():
                pass
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.written.append(self.path)
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"yes"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nobody reads it."""


@contextmanager
def says_yes() -> Iterator[tuple[str, list[str]]]:
    """The URL of such a server, and what it was told to write."""
    Yes.written.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Yes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Yes.written
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_copy_counts_when_it_was_read_back_from_the_other_side(
    scene: Scene, tmp_path: Path
) -> None:
    """Each night fails aloud: one line for the mail and an exit code, the backup itself stays."""
    scene.ubuntu.must(["sh", "-c", f"rm -f {SHELF}/*"])
    with says_yes() as (url, written):
        operator = operator_with(scene, tmp_path, url)
        ran = operator.fab("db.backup", "--quiet")
        assert len(written) == 1, ran
    assert (ran.code, len(ran.err.splitlines()), ran.out) == (1, 1, ""), ran
    assert "is not what was sent: its digest is another one" in ran.error
    ran = operator.fab("db.backup", "--quiet")
    assert (ran.code, len(ran.err.splitlines())) == (1, 1), ran
    assert f"{url} cannot be reached" in ran.error
    (first, second) = scene.operator.json("db.list")["backups"]
    assert first["failure"] == second["failure"] == ""
    scene.ubuntu.must(["sh", "-c", f"rm -f {SHELF}/*"])
