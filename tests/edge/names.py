"""Answers which addresses a name has, as the engine does for the replicas of a service."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from socketserver import BaseRequestHandler, UDPServer

QUESTION = 12
"""Bytes before the question."""
FOUND, UNKNOWN = 0x8180, 0x8183


@contextmanager
def naming(addresses: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Where to ask, until the end of the block; who is not in ``addresses`` is unknown."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            asked, back = self.request
            back.sendto(_answer(asked, addresses), self.client_address)

    with UDPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def _answer(asked: bytes, addresses: Mapping[str, Sequence[str]]) -> bytes:
    name, end = _name(asked)
    found = addresses.get(name, ())
    flags = FOUND if found else UNKNOWN
    answer = asked[:2] + struct.pack("!5H", flags, 1, len(found), 0, 0)
    answer += asked[QUESTION : end + 4]
    for address in found:
        # The name is that of the question; an address of the Internet, good for 600 s.
        answer += struct.pack("!3HLH", 0xC00C, 1, 1, 600, 4) + socket.inet_aton(address)
    return answer


def _name(asked: bytes) -> tuple[str, int]:
    """The name that is asked for, and where it ends."""
    words, at = [], QUESTION
    while length := asked[at]:
        words.append(asked[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(words), at + 1
