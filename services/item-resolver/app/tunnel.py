"""The one way out: a small forward proxy on loopback that connects to checked addresses only.

Both fetchers send everything through it, so a redirect, a subresource, a websocket or a name that
changes its address between two questions meets the same guard: what was checked is what is
connected to. There is one per page, so that nothing of a page outlives its request.
"""

import asyncio
import re
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit, urlunsplit

from app.guard import Guard, Refused
from app.upstream import Stream, Upstream

HEAD_SECONDS = 30.0
CONNECT_SECONDS = 5.0
MAX_HEAD = 64 * 1024
CHUNK = 64 * 1024
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# Of the client and its proxy alone. A connection is for one request: the next may be for
# another host.
HOP_HEADERS = (b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection")


class TooMuch(Exception):
    """The page brought more than a page may."""


class Asked(NamedTuple):
    """Where a client wants to be connected to, and what is sent there first."""

    host: str
    port: int
    head: bytes | None  # None: the client asked for a bare connection


def read_head(head: bytes) -> Asked:
    """What a request to a proxy asks for. Raises ValueError when it is no such request."""
    line, *headers = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, version = line.decode("ascii").split(" ")
    if method == "CONNECT":
        return Asked(*_host_and_port(target), None)
    parts = urlsplit(target)
    if parts.scheme != "http":
        raise ValueError("only plain http is asked for without a tunnel")
    host, port = _host_and_port(parts.netloc, "80")
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    kept = [one for one in headers if one.partition(b":")[0].strip().lower() not in HOP_HEADERS]
    lines = [f"{method} {path} {version}".encode(), *kept, b"Connection: close", b"", b""]
    return Asked(host, port, b"\r\n".join(lines))


def _host_and_port(authority: str, default: str = "") -> tuple[str, int]:
    # Clients differ in whether an address of IPv6 has brackets here; the port comes last.
    found = re.fullmatch(r"(\[[^]]+\]|.+?)(?::([0-9]+))?", authority)
    port = (found and found[2]) or default
    if not found or not port:
        raise ValueError("no host and port to connect to")
    return found[1].strip("[]"), int(port)


class Tunnel:
    """The proxy of one page; `async with` opens it and ends every connection through it."""

    def __init__(self, guard: Guard, max_bytes: int, upstream: Upstream | None = None) -> None:
        self.refusal: str | None = None
        """Why the guard first refused a connection; None when it did not."""
        self.overflown = False
        """Whether more than max_bytes came in."""
        self._guard = guard
        self._upstream = upstream
        self._left = max_bytes
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=MAX_HEAD)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def url(self) -> str:
        """The proxy's address for a client."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve((reader, writer)))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, client: Stream) -> None:
        reader, writer = client
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                asked = read_head(await reader.readuntil(b"\r\n\r\n"))
            server = await self._connect(asked)
            try:
                (server[1] if asked.head else writer).write(asked.head or ESTABLISHED)
                await self._relay(client, server)
            finally:
                server[1].close()
        except Refused as refused:
            self.refusal = self.refusal or str(refused)
            writer.write(FORBIDDEN)
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError):
            # TimeoutError is an OSError. The client is told; the page may live without this part.
            writer.write(BAD_GATEWAY)
        finally:
            writer.close()

    async def _connect(self, asked: Asked) -> Stream:
        upstream = self._upstream
        direct = upstream is None or upstream.passed_by(asked.host)
        for address in await self._guard.addresses(asked.host, asked.port):
            with suppress(OSError):
                if upstream and not direct:
                    return await upstream.connect(address, asked.port)
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(address, asked.port)
        raise OSError("no address of the host answers")

    async def _relay(self, client: Stream, server: Stream) -> None:
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(client[0], server[1], counted=False))
                both.create_task(self._pump(server[0], client[1], counted=True))
        except* (OSError, RuntimeError, TooMuch):
            pass  # A side that is closed, or brings too much, ends both.

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, counted: bool
    ) -> None:
        while chunk := await source.read(CHUNK):
            if counted:
                self._left -= len(chunk)
                if self._left < 0:
                    self.overflown = True
                    raise TooMuch
            sink.write(chunk)
            await sink.drain()
        sink.write_eof()
