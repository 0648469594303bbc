"""Three questions: is the process alive, may it get requests, does everything work."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from fastapi import APIRouter, Request, Response, status
from sqlalchemy import text

from app.backends import Backends, BackendsOfApp

# Well under the callers' own deadlines, so that a hung backend is reported and not just waited for.
DEADLINE = 2.0

log = logging.getLogger(__name__)
router = APIRouter(tags=["health"])


async def ask_database(backends: Backends) -> None:
    """Raise unless PostgreSQL answers a query."""
    async with backends.probe.connect() as connection:
        await connection.execute(text("SELECT 1"))


async def ask_redis(backends: Backends) -> None:
    """Raise unless Redis answers a ping."""
    await backends.redis.ping()


async def verdict(name: str, question: Awaitable[None]) -> str:
    """`ok`, or the kind of the failure: its text could hold an address with a password."""
    try:
        async with asyncio.timeout(DEADLINE):
            await question
    except Exception as failure:  # noqa: BLE001 - whatever it is, the answer is "not well"
        log.warning("health: %s failed with %s", name, type(failure).__name__)
        return type(failure).__name__
    return "ok"


@router.get("/live")
async def live() -> dict[str, str]:
    """The process answers. Nothing else is asked, so a backend's outage never restarts it."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(request: Request, response: Response, backends: BackendsOfApp) -> dict[str, str]:
    """Requests are welcome: 200, or 503 while the database is away and once the process stops."""
    stopping: asyncio.Event = request.app.state.stopping
    if not stopping.is_set() and await verdict("database", ask_database(backends)) == "ok":
        return {"status": "ok"}
    response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return {"status": "not ready"}


@router.get("/healthz")
async def healthz(response: Response, backends: BackendsOfApp) -> dict[str, Any]:
    """Everything works: 200 and `healthy`, or 503 and `unhealthy`, with each check's verdict."""
    database, redis = await asyncio.gather(
        verdict("database", ask_database(backends)),
        verdict("redis", ask_redis(backends)),
    )
    checks = {"database": database, "redis": redis}
    if set(checks.values()) == {"ok"}:
        return {"status": "healthy", "checks": checks}
    response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return {"status": "unhealthy", "checks": checks}
