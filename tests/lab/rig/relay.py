"""TCP relays: one that delays each byte as a long way does, one that breaks off in the middle."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

Address = tuple[str, int]
UnderWay = asyncio.Queue[tuple[float, bytes]]
"""What travels in one direction, each piece with the moment at which it arrives."""
CHUNK = 65536
WINDOW = 256


@contextmanager
def delay(target: Address, round_trip: float, at: str = "127.0.0.1") -> Iterator[Address]:
    """Relay a free port of ``at``, which is yielded, to ``target`` ``round_trip`` seconds away.

    Each direction takes half of it. Opening a connection takes one round trip more, as it does
    where the far end itself answers. Connections still open at the end are cut.
    """
    with _running(_Relay(target, round_trip, at)) as address:
        yield address


@contextmanager
def broken_after(target: Address, size: int) -> Iterator[Address]:
    """Relay a free port of 127.0.0.1, which is yielded, to ``target`` for so many bytes.

    Then every connection breaks off, and no new one is taken.
    """
    with _running(_Breaking(target, size)) as address:
        yield address


@contextmanager
def _running(relay: _Relay) -> Iterator[Address]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(relay.open(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(relay.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Relay:
    def __init__(self, target: Address, round_trip: float, at: str = "127.0.0.1") -> None:
        self._target = target
        self._at = at
        self._round_trip = round_trip
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> Address:
        self._server = await asyncio.start_server(self._accept, self._at, 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def close(self) -> None:
        if self._server:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connect(near, back))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _connect(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        writers = [back]
        try:
            await asyncio.sleep(self._round_trip)
            far, forth = await asyncio.open_connection(*self._target)
            writers.append(forth)
            async with asyncio.TaskGroup() as carriers:
                for source, sink in ((near, forth), (far, back)):
                    under_way: UnderWay = asyncio.Queue(WINDOW)
                    carriers.create_task(self._take(source, under_way))
                    carriers.create_task(self._bring(under_way, sink))
        except* OSError:
            pass  # one end broke off; closing both tells the other
        finally:
            for writer in writers:
                writer.close()

    def _seen(self, data: bytes) -> None:
        """Nothing more is wanted of it here."""

    async def _take(self, source: asyncio.StreamReader, under_way: UnderWay) -> None:
        """Take what comes as it comes, so that no piece waits for the one before."""
        data = b"-"
        while data:
            data = await source.read(CHUNK)
            self._seen(data)
            arrival = asyncio.get_running_loop().time() + self._round_trip / 2
            await under_way.put((arrival, data))

    async def _bring(self, under_way: UnderWay, sink: asyncio.StreamWriter) -> None:
        """Hand on each piece at its moment; the end of one direction leaves the other open."""
        while True:
            arrival, data = await under_way.get()
            await asyncio.sleep(arrival - asyncio.get_running_loop().time())
            if not data:
                sink.write_eof()
                return
            sink.write(data)
            await sink.drain()


class _Breaking(_Relay):
    """Counts what it is sent, both ways."""

    def __init__(self, target: Address, size: int) -> None:
        super().__init__(target, 0)
        self._left = size

    def _seen(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0 and self._server:
            self._server.close()
            for task in self._connections:
                task.cancel()
