"""The bucket through the real library: sockets that say nothing, too little, or nothing at all."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from typing import Any

import pytest

from fabfile.model.data.offsite import Copy, Folder, Keys, Offsite
from fabfile.model.errors import FAILED, REFUSED, Trouble
from fabfile.remote.commands.pipe import Source
from fabfile.remote.data import s3
from fabfile.remote.data.s3 import Bucket

from .backups import backup

KEYS = Keys("a key", "a secret", "k" * 32)
FOLDER = Folder("copies", "site/ubuntu/")


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "CONNECT", 0.2)
    monkeypatch.setattr(s3, "ANSWER", 0.2)
    monkeypatch.setattr(s3, "ATTEMPTS", 2)


def bucket(port: int) -> Bucket:
    offsite = Offsite(bucket="copies", prefix="site", endpoint=f"http://127.0.0.1:{port}")
    return Bucket(s3.connect(offsite, KEYS), FOLDER, offsite, KEYS.signing)


@contextmanager
def answering(
    answer: bytes = b"", *, close: bool = True, heard: Callable[[bytes], object] = bytes
) -> Iterator[int]:
    """A port that reads a little and answers so; without ``close`` it keeps still then.

    ``heard`` gets what was read.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                asking, _ = listener.accept()
            except OSError:
                return
            heard(asking.recv(65536))
            asking.sendall(answer)
            if close:
                asking.close()
            kept.append(asking)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for asking in kept:
            asking.close()


def trouble(call: Any, *values: Any) -> Trouble:
    start = time.monotonic()
    with pytest.raises(Trouble) as caught:
        call(*values)
    assert time.monotonic() - start < 20, "every wait is bounded"
    assert "\n" not in caught.value.message
    return caught.value


def test_a_server_that_keeps_still_is_given_up_within_its_time() -> None:
    with answering(close=False) as port:
        found = trouble(bucket(port).look)
    start = f"s3://copies/site/ubuntu/: http://127.0.0.1:{port} cannot be reached, or"
    assert found.message.startswith(start)
    assert found.code == FAILED


def test_a_server_that_hangs_up_is_one_line() -> None:
    with answering() as port:
        found = trouble(bucket(port).look)
    assert "cannot be reached, or the connection was cut (" in found.message


def test_a_profile_of_the_operator_that_is_none_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    found = trouble(s3.connect, Offsite(), KEYS)
    assert (found.code, found.message.partition(":")[0]) == (REFUSED, "no client of S3 can be made")


def test_nobody_there_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "cannot be reached, or the connection was cut (" in trouble(bucket(port).look).message


def test_an_object_that_breaks_off_is_one_line() -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome") as port:
        found = trouble(lambda: list(bucket(port).chunks("db")))
    assert "cannot be reached, or the connection was cut (" in found.message


def test_what_is_no_s3_server_is_one_line() -> None:
    page = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\npage"
    with answering(page) as port:
        assert trouble(bucket(port).look).code == FAILED


def test_an_error_of_the_stream_itself_comes_through_as_it_is() -> None:
    def read(_size: int) -> bytes:
        raise Trouble("the server is gone")

    with answering() as port:
        found = trouble(bucket(port).send, "db", BufferedReader(Source(read)), 10)
    assert found.message == "the server is gone"


OK = b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: "e"\r\n\r\n'


def headers(call: Callable[[Bucket], object]) -> list[str]:
    """The names of the headers that the library sends, in lower case."""
    seen: list[bytes] = []
    with answering(OK, heard=seen.append) as port:
        call(bucket(port))
    return [line.partition(b":")[0].decode().lower() for line in seen[-1].split(b"\r\n")]


def write(there: Bucket) -> None:
    there.write(Copy(backup(1), "db", 1, "ab" * 32))


def send(there: Bucket) -> None:
    there.send("db", BufferedReader(BytesIO(b"some")), 4)


def fetch(there: Bucket) -> None:
    assert list(there.chunks("db")) == []


@pytest.mark.parametrize("call", [write, send, fetch])
def test_another_server_than_amazons_gets_no_checksum_that_s3_does_not_require(
    call: Callable[[Bucket], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the operator's environment says: some take none, and some take none in a trailer."""
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported")
    found = headers(call)
    assert "authorization" in found
    odd = {"x-amz-trailer", "x-amz-sdk-checksum-algorithm", "content-encoding"}
    assert [name for name in found if "checksum" in name or name in odd] == []


def test_amazons_server_gets_the_checksums_that_a_locked_bucket_asks_for() -> None:
    client = s3.connect(Offsite(), KEYS)
    assert client.meta.config.request_checksum_calculation == "when_supported"


def test_no_upload_needs_more_parts_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    class Client:
        def list_multipart_uploads(self, **_keys: str) -> dict[str, Any]:
            return {}

        def upload_fileobj(self, *_values: object, ExtraArgs: object, Config: Any) -> None:  # noqa: N803
            seen.append(Config)

    there = Bucket(Client(), FOLDER, Offsite(), KEYS.signing)
    for expected in (10, 1 << 40):
        there.send("db", BufferedReader(Source(lambda _size: b"")), expected)
    small, large = seen
    assert small.multipart_chunksize == s3.PART
    assert large.multipart_chunksize * 10_000 > (1 << 40) * 1.1
    assert not large.use_threads
