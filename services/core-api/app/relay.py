"""Announces what stands in the outbox, for as long as the process runs."""

import asyncio

from app.backends import Backends
from app.outbox import announce

# A forgotten wake-up, or one of another replica that died, costs this many seconds and no event.
LOOK_AGAIN = 1.0


async def relay(backends: Backends) -> None:
    """Announce after every commit. Raises when a backend goes away; the events stay here."""
    while True:
        backends.outbox_filled.clear()
        while await announce(backends):
            pass
        try:
            async with asyncio.timeout(LOOK_AGAIN):
                await backends.outbox_filled.wait()
        except TimeoutError:
            continue
