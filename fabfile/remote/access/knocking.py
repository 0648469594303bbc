"""Whether ports of a server can be reached from here before anything listens at them."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ...model.errors import Trouble
from ..host import Host

LISTENER = """
import selectors, socket, sys, time
nonce, seconds, *ports = sys.argv[1:]
end = time.monotonic() + float(seconds)
listening = selectors.DefaultSelector()
for port in ports:
    try:
        listening.register(socket.create_server(("", int(port))), selectors.EVENT_READ)
    except OSError:
        continue
while listening.get_map() and (left := end - time.monotonic()) > 0:
    for key, _ in listening.select(left):
        connection, _ = key.fileobj.accept()
        connection.sendall(nonce.encode())
        connection.close()
        listening.unregister(key.fileobj)
        key.fileobj.close()
"""
"""Answers NONCE at each PORT once, for SECONDS at most. Arguments: NONCE SECONDS PORT…"""
PATIENCE = 8.0
"""Seconds that somebody answers there."""
MOST = 50
"""Connections that are tried at once."""


def unreached(
    host: Host, ports: Sequence[int], *, sudo: bool, seconds: float = PATIENCE
) -> Mapping[int, str]:
    """Port → why it is not reached from this machine, of those ports that nobody has.

    For ``seconds`` at most a process on the server answers at each, once; it writes nothing. Where
    the server has no Python, nothing is tried, and nothing told.
    """
    if not ports:
        return {}
    nonce = secrets.token_hex(8)
    words = ["sudo", "-n"] if sudo and min(ports) < 1024 else []
    words += ["python3", "-c", LISTENER, nonce, f"{seconds:g}", *map(str, ports)]
    with ThreadPoolExecutor(len(ports) + 1) as pool:
        answers = pool.submit(host.read, words, timeout=seconds + 30, check=False)
        asked = {port: pool.submit(_knock, host, port, nonce, seconds) for port in ports}
        found = {port: one.result() for port, one in asked.items()}
    return {port: why for port, why in found.items() if why} if answers.result().ok else {}


def answering(address: str, ports: Sequence[int]) -> list[int]:
    """Those of the ports at which somebody takes a connection from this machine."""
    if not ports:
        return []
    with ThreadPoolExecutor(min(len(ports), MOST)) as pool:
        taken = pool.map(lambda port: _is_taken(address, port), ports)
        return [port for port, is_taken in zip(ports, taken, strict=True) if is_taken]


def _is_taken(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True


def _knock(host: Host, port: int, nonce: str, seconds: float) -> str:
    """Why the port does not answer with the nonce within ``seconds``; empty: it does."""
    why = ""

    def answers() -> bool:  # it may not listen yet
        nonlocal why
        why = _ask(host.server.outside, port, nonce)
        return not why

    with suppress(Trouble):
        host.wait(f"an answer at port {port}", answers, seconds)
    return why


def _ask(address: str, port: int, nonce: str) -> str:
    try:
        with socket.create_connection((address, port), timeout=2) as connection:
            return "" if connection.recv(64) == nonce.encode() else "somebody else answers"
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return (error.strerror or str(error)).lower()
