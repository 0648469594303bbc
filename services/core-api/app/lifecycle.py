"""When this process is to stop, and the work it does beside answering requests."""

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any, TypeVar

# How long work may take to put itself away after the signal.
STOP_WITHIN = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0

log = logging.getLogger(__name__)
Result = TypeVar("Result")


class Stopping(Exception):
    """The process stops, so the work was cut short."""


async def unless(stopping: asyncio.Event, work: Awaitable[Result]) -> Result:
    """What the work gives. Raises Stopping, and cancels the work, once the process is to stop."""
    working = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set():
            raise Stopping
        return working.result()
    finally:
        await end(working)
        await end(stop)


async def end(task: asyncio.Future[Any]) -> None:
    """Cancel the task until it ends: a library may lose a cancellation that meets its answer."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.5)
    await asyncio.gather(task, return_exceptions=True)


async def keep_running(
    name: str, work: Callable[[], Awaitable[None]], stopping: asyncio.Event
) -> None:
    """Do the work until the process stops; after a failure again, with growing pauses."""
    pause = FIRST_PAUSE
    loop = asyncio.get_running_loop()
    while not stopping.is_set():
        begun = loop.time()
        try:
            await work()
        except Stopping:
            return
        except Exception as failure:
            if stopping.is_set():
                return
            if loop.time() - begun > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            log.warning("%s failed with %s, again in %.1f s", name, type(failure).__name__, pause)
            log.debug("%s failed", name, exc_info=failure)
            try:
                await unless(stopping, asyncio.sleep(pause))
            except Stopping:
                return
            pause = min(pause * 2, LONGEST_PAUSE)


@asynccontextmanager
async def beside(
    works: Mapping[str, Callable[[], Awaitable[None]]], stopping: asyncio.Event
) -> AsyncIterator[None]:
    """Keep the works running inside; they are given STOP_WITHIN seconds to end."""
    tasks = [asyncio.create_task(keep_running(*work, stopping)) for work in works.items()]
    try:
        yield
    finally:
        stopping.set()
        _, late = await asyncio.wait(tasks, timeout=STOP_WITHIN)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


@contextmanager
def told_of_the_stop(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` in the event loop the moment SIGTERM or SIGINT comes.

    uvicorn tells an application only after every request has ended, and an open stream never does.
    SIGTERM then ends uvicorn as SIGINT does: with exit code 0 instead of with the signal itself.
    """
    uvicorn = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(uvicorn):
        yield
        return
    loop = asyncio.get_running_loop()

    def stop(_number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(tell)
        uvicorn(signal.SIGINT, frame)

    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
