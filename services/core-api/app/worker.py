"""Works on the queue inside this process, beside the requests."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg
from pgqueuer import AsyncpgDriver, Job
from pgqueuer.errors import RetryRequested
from pgqueuer.qm import QueueManager
from sqlalchemy import make_url

from app.backends import DATABASE_LIMITS, Backends, connect
from app.jobs import RESOLVE
from app.lifecycle import Stopping, unless
from app.resolution import TryLater, resolve_item
from app.resolver import Resolver
from app.settings import Settings
from app.turns import AT_ONCE, FairQueries

# A job whose worker gave no sign of life for so long is taken over.
STALLED = timedelta(seconds=20)
# How often to look for such jobs and for those to try again; only new ones are announced.
LOOK_AGAIN = timedelta(seconds=2)
# How often to look while jobs wait for a slot; the end of a job is announced.
FULL = timedelta(seconds=0.5)
# Before the next try of a job that failed in a way nobody foresaw.
AFTER_AN_ERROR = timedelta(seconds=30)

log = logging.getLogger(__name__)


@asynccontextmanager
async def closing(connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The connection, ended without a word to the server: it may be away."""
    try:
        yield connection
    finally:
        connection.terminate()


class Worker:
    """One process's share of the work."""

    def __init__(self, settings: Settings, backends: Backends, stopping: asyncio.Event) -> None:
        self.settings = settings
        self.address = make_url(settings.database_url.get_secret_value()).set(
            drivername="postgresql"
        )
        self.backends = backends
        self.resolver = Resolver(settings)
        self.stopping = stopping

    async def run(self) -> None:
        """Work until the process stops; what is under way then goes back, for another replica.

        Raises when the database goes away; its jobs are taken over once they count as stalled.
        """
        async with (
            closing(await unless(self.stopping, self.connect())) as connection,
            closing(await unless(self.stopping, self.connect())) as choosing,
        ):
            manager = QueueManager(FairQueries(AsyncpgDriver(connection), choosing=choosing))
            manager.min_dequeue_poll_interval = FULL
            manager.entrypoint(RESOLVE)(self.resolve)
            stop = asyncio.create_task(self.pass_on_the_stop(manager))
            try:
                await manager.run(
                    dequeue_timeout=LOOK_AGAIN,
                    batch_size=AT_ONCE // 2,
                    max_concurrent_tasks=AT_ONCE,
                    shutdown_on_listener_failure=True,
                    heartbeat_timeout=STALLED,
                )
            finally:
                stop.cancel()

    async def connect(self) -> asyncpg.Connection:
        """A connection of its own, for it listens."""
        return await connect(
            self.settings,
            dsn=self.address.render_as_string(hide_password=False),
            timeout=5,
            command_timeout=15,
            server_settings={"application_name": "core-api-worker", **DATABASE_LIMITS},
        )

    async def pass_on_the_stop(self, manager: QueueManager) -> None:
        """Have the manager take no job more once the process is to stop."""
        await self.stopping.wait()
        manager.shutdown.set()

    async def resolve(self, job: Job) -> None:
        """Resolve the item that the job names. A job ends only when its item is no more pending."""
        try:
            item_id = UUID(bytes=job.payload)
            await unless(
                self.stopping, resolve_item(self.backends, self.resolver, item_id, job.attempts)
            )
        except Stopping:
            raise RetryRequested(reason="the process stops") from None
        except TryLater as later:
            raise RetryRequested(later.pause, str(later)) from None
        except Exception as failure:
            log.exception("a job failed")
            raise RetryRequested(AFTER_AN_ERROR, type(failure).__name__) from failure
