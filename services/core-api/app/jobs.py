"""The queue: jobs wait in PostgreSQL, written in the transaction of what they are for."""

from uuid import UUID

from pgqueuer import AsyncpgDriver, Queries
from sqlalchemy.ext.asyncio import AsyncSession

RESOLVE = "resolve"


async def resolve_with_commit(session: AsyncSession, item_id: UUID) -> None:
    """Have the item resolved by any replica, once the session commits."""
    raw = await (await session.connection()).get_raw_connection()
    assert raw.driver_connection is not None
    await Queries(AsyncpgDriver(raw.driver_connection)).enqueue(RESOLVE, item_id.bytes)
