"""The two backends of a process: PostgreSQL and Redis."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Request
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from app.settings import Settings

# The server gives up before the driver does, and both before a caller: the proxy waits for 60 s.
DATABASE_LIMITS = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}


async def connect(settings: Settings, **options: Any) -> asyncpg.Connection:
    """A connection to PostgreSQL with the password, or with the one before while that is taken."""
    try:
        return await asyncpg.connect(**options)
    except asyncpg.InvalidPasswordError:
        former = settings.database_former_password.get_secret_value()
        if not former:
            raise
        return await asyncpg.connect(**{**options, "password": former})


def engine(settings: Settings, **pool: int) -> AsyncEngine:
    """A pool of connections to PostgreSQL; one that the server dropped is replaced."""
    return create_async_engine(
        settings.database_url.get_secret_value(),
        pool_pre_ping=True,
        # A traceback must not quote a password's hash or a token's digest.
        hide_parameters=True,
        connect_args={
            "async_creator_fn": partial(connect, settings),
            "timeout": 5,
            "command_timeout": 15,
            "server_settings": {"application_name": "core-api", **DATABASE_LIMITS},
        },
        max_overflow=0,
        **pool,
    )


@dataclass(frozen=True)
class Backends:
    """Connections of one process. Nothing connects before the first use, so both may start late."""

    database: AsyncEngine
    # A connection apart, so that a full pool is not taken for a database that is away.
    probe: AsyncEngine
    redis: Redis
    # Set by a commit that left an event in the outbox.
    outbox_filled: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def connect(cls, settings: Settings) -> "Backends":
        """Prepare the pools."""
        return cls(
            # A queue, as while a build has the CPU, is waited out: late is better than never. No
            # overflow: who waits is not woken when one of those closes, newcomers get its place.
            database=engine(settings, pool_size=10, pool_timeout=15),
            probe=engine(settings, pool_size=2, pool_timeout=5),
            redis=Redis.from_pool(
                BlockingConnectionPool.from_url(
                    settings.redis_url.get_secret_value(),
                    max_connections=20,
                    timeout=5,
                    decode_responses=True,
                    socket_connect_timeout=2,
                    socket_timeout=5,
                    health_check_interval=30,
                    retry=Retry(NoBackoff(), 1),
                )
            ),
        )

    def session(self) -> AsyncSession:
        """One transaction's session; what is not committed is rolled back."""
        return AsyncSession(
            self.database, expire_on_commit=False, info={"outbox_filled": self.outbox_filled}
        )

    async def close(self) -> None:
        """Give every connection back."""
        await self.redis.aclose()
        await self.probe.dispose()
        await self.database.dispose()


def backends(request: Request) -> Backends:
    """The backends of the application that answers this request."""
    found: Backends = request.app.state.backends
    return found


async def session(backends: Annotated[Backends, Depends(backends)]) -> AsyncIterator[AsyncSession]:
    """The session of one request."""
    async with backends.session() as opened:
        yield opened


BackendsOfApp = Annotated[Backends, Depends(backends)]
Session = Annotated[AsyncSession, Depends(session)]
