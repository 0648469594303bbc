"""How many pages are worked on at a time, and how long others wait for their turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# With the work's own 60 s this stays below what the caller waits for (150 s).
WAIT_SECONDS = 20.0
# How many wait for each that is worked on; more would only wait in vain.
WAITING_PER_SLOT = 4


class Busy(Exception):
    """Too many pages are being worked on already."""


class Slots:
    """Room for so many pages at a time; a few more may wait."""

    def __init__(self, room: int) -> None:
        self._free = asyncio.Semaphore(room)
        self._queue = room * WAITING_PER_SLOT
        self._waiting = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Room for one page. Raises Busy at once when too many wait, else after a bounded wait."""
        await self._take()
        try:
            yield
        finally:
            self._free.release()

    async def _take(self) -> None:
        if self._free.locked() and self._waiting >= self._queue:
            raise Busy
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise Busy from None
        finally:
            self._waiting -= 1
