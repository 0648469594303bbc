"""Whether ports of a server can be reached from here before anything listens at them."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

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
        address = host.server.host
        asked = {port: pool.submit(_ask, address, port, nonce, seconds) for port in ports}
        found = {port: one.result() for port, one in asked.items()}
    return {port: why for port, why in found.items() if why} if answers.result().ok else {}


def _ask(address: str, port: int, nonce: str, seconds: float) -> str:
    """Why the port does not answer with the nonce; empty: it does."""
    end, why = time.monotonic() + seconds, "no answer"
    while time.monotonic() < end:
        try:
            with socket.create_connection((address, port), timeout=2) as connection:
                if connection.recv(64) == nonce.encode():
                    return ""
            why = "somebody else answers"
        except TimeoutError:
            why = "no answer"
        except OSError as error:
            why = (error.strerror or str(error)).lower()
        time.sleep(0.2)  # it may not listen yet
    return why
