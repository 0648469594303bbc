"""The two backends of a request: PostgreSQL and Redis."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from app.settings import Settings


@dataclass(frozen=True)
class Backends:
    """Connections of one process. Nothing connects before the first use, so both may start late."""

    database: AsyncEngine
    redis: Redis

    @classmethod
    def connect(cls, settings: Settings) -> "Backends":
        """Prepare both pools; a connection that the server dropped is replaced, not reported."""
        return cls(
            database=create_async_engine(
                settings.database_url.get_secret_value(),
                pool_pre_ping=True,
                connect_args={"timeout": 5},
            ),
            redis=Redis.from_url(
                settings.redis_url.get_secret_value(),
                socket_connect_timeout=2,
                socket_timeout=5,
                health_check_interval=30,
            ),
        )

    async def close(self) -> None:
        """Give every connection back."""
        await self.redis.aclose()
        await self.database.dispose()


def backends(request: Request) -> Backends:
    """The backends of the application that answers this request."""
    found: Backends = request.app.state.backends
    return found


async def session(backends: Annotated[Backends, Depends(backends)]) -> AsyncIterator[AsyncSession]:
    """One transaction's session for one request; what is not committed is rolled back."""
    async with AsyncSession(backends.database, expire_on_commit=False) as opened:
        yield opened


BackendsOfApp = Annotated[Backends, Depends(backends)]
Session = Annotated[AsyncSession, Depends(session)]
