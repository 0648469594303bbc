"""Events, written in the transaction of the change that they tell of: both happen, or neither."""

import json
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import delete, event, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.backends import Backends
from app.models import OutboxEvent
from app.streams import CHANNEL, stream_of

Name = Literal["items:updated", "items:resolved", "wishlists:updated"]

BATCH = 100
# One number for this database: the replicas announce in turns, so that the order holds.
RELAY_LOCK = 7_041_777

# What of a user's stream is kept for replay.
KEPT_EVENTS, KEPT_SECONDS = 1000, 7 * 86_400
# An event whose row could not be deleted is announced again; so long Redis knows it.
REMEMBERED_SECONDS = 86_400

# All or nothing, and once: a repetition finds its own mark and does nothing.
ANNOUNCE = """
if redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[5]) then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[6], '*', 'event', ARGV[1], 'data', ARGV[2])
    redis.call('EXPIRE', KEYS[1], ARGV[7])
    redis.call('PUBLISH', ARGV[3], ARGV[4])
end
"""


def announce_with_commit(
    session: AsyncSession, user_id: UUID, name: Name, data: BaseModel | dict[str, Any]
) -> None:
    """Tell every open stream of this user, on all replicas, once the session commits."""
    plain = data.model_dump(mode="json") if isinstance(data, BaseModel) else data
    session.add(OutboxEvent(user_id=user_id, event=name, data=plain))
    filled = session.info["outbox_filled"]
    event.listen(session.sync_session, "after_commit", lambda _: filled.set(), once=True)


async def announce(backends: Backends) -> bool:
    """Move the oldest events from the outbox to Redis; whether there may be more.

    A failure in between leaves them in the outbox, and repeating them is harmless.
    """
    async with backends.session() as session, session.begin():
        await session.execute(select(func.pg_advisory_xact_lock(RELAY_LOCK)))
        oldest = select(OutboxEvent).order_by(OutboxEvent.position).limit(BATCH)
        events = (await session.scalars(oldest)).all()
        if not events:
            return False
        async with backends.redis.pipeline(transaction=False) as pipeline:
            for found in events:
                data = json.dumps(found.data)
                told = {"user_id": str(found.user_id), "event": found.event, "data": found.data}
                pipeline.eval(
                    ANNOUNCE,
                    2,
                    stream_of(found.user_id),
                    f"sse:announced:{found.id}",
                    found.event,
                    data,
                    CHANNEL,
                    json.dumps(told),
                    str(REMEMBERED_SECONDS),
                    str(KEPT_EVENTS),
                    str(KEPT_SECONDS),
                )
            await pipeline.execute()
        done = [found.position for found in events]
        await session.execute(delete(OutboxEvent).where(OutboxEvent.position.in_(done)))
        return len(events) == BATCH
