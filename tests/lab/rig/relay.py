"""A TCP relay that delays: what a long way between operator and server does to each byte."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

Address = tuple[str, int]
CHUNK = 65536


@contextmanager
def delay(target: Address, round_trip: float) -> Iterator[Address]:
    """Relay a free port on 127.0.0.1 to ``target``, ``round_trip`` seconds away.

    Each direction takes half of it; opening a connection takes one round trip more, as it does
    where the far end itself answers.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    relay = _Relay(target, round_trip)
    server = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(relay.serve, "127.0.0.1", 0), loop
    ).result()
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        asyncio.run_coroutine_threadsafe(relay.end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Relay:
    def __init__(self, target: Address, round_trip: float) -> None:
        self._target = target
        self._round_trip = round_trip
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            await asyncio.sleep(self._round_trip)
            far, forth = await asyncio.open_connection(*self._target)
            await asyncio.gather(self._carry(near, forth), self._carry(far, back))
        except (OSError, asyncio.CancelledError):
            back.close()
        finally:
            self._open.discard(task)

    async def end(self) -> None:
        """Cut every open connection."""
        for task in set(self._open):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Carry one direction: bytes keep their distance in time, none waits for the one before."""
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=256)

        async def receive() -> None:
            data = b"-"
            while data:
                data = await source.read(CHUNK)
                await under_way.put((loop.time() + self._round_trip / 2, data))

        reader = asyncio.ensure_future(receive())
        try:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    return
                sink.write(data)
                await sink.drain()
        finally:
            reader.cancel()
            sink.close()
