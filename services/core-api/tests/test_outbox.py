"""What is committed is announced once, even when it is announced again."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import outbox
from app.backends import Backends
from app.models import OutboxEvent
from app.settings import Settings
from app.streams import stream_of


def on(settings: Settings, work: Callable[[Backends], Awaitable[None]]) -> None:
    async def run() -> None:
        backends = Backends.connect(settings)
        try:
            await work(backends)
        finally:
            await backends.close()

    asyncio.run(run())


async def told(backends: Backends, user_id: UUID) -> list[str]:
    entries = await backends.redis.xrange(stream_of(user_id))
    return [entry["data"] for _, entry in entries]


async def commit(session: AsyncSession, user_id: UUID, *names: str) -> None:
    for name in names:
        outbox.announce_with_commit(session, user_id, "wishlists:updated", {"name": name})
    await session.commit()


def test_an_event_that_is_announced_twice_is_told_once(settings: Settings) -> None:
    async def work(backends: Backends) -> None:
        user_id = uuid4()
        async with backends.session() as session:
            await commit(session, user_id, "one", "two")
            rows = await session.scalars(select(OutboxEvent).where(OutboxEvent.user_id == user_id))
            again = [{"id": row.id, "event": row.event, "data": row.data} for row in rows]
        await outbox.announce(backends)
        async with backends.session() as session:
            session.add_all(OutboxEvent(user_id=user_id, **row) for row in again)
            await session.commit()
        await outbox.announce(backends)
        assert await told(backends, user_id) == ['{"name": "one"}', '{"name": "two"}']

    on(settings, work)


def test_a_change_that_is_not_committed_is_not_announced(settings: Settings) -> None:
    async def work(backends: Backends) -> None:
        user_id = uuid4()
        async with backends.session() as session:
            outbox.announce_with_commit(session, user_id, "wishlists:updated", {"name": "no"})
            await session.flush()
        await outbox.announce(backends)
        assert await told(backends, user_id) == []

    on(settings, work)


def test_an_event_stays_in_the_outbox_while_redis_is_away(settings: Settings) -> None:
    user_id = uuid4()

    async def refused(backends: Backends) -> None:
        async with backends.session() as session:
            await commit(session, user_id, "later")
            with pytest.raises(RedisAway):
                await outbox.announce(backends)
            waiting = select(func.count()).where(OutboxEvent.user_id == user_id)
            assert await session.scalar(waiting) == 1

    async def told_at_last(backends: Backends) -> None:
        await outbox.announce(backends)
        assert await told(backends, user_id) == ['{"name": "later"}']

    on(settings.model_copy(update={"redis_url": Settings().redis_url}), refused)
    on(settings, told_at_last)


def test_a_stream_is_capped(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "KEPT_EVENTS", 100)

    async def work(backends: Backends) -> None:
        user_id = uuid4()
        async with backends.session() as session:
            await commit(session, user_id, *map(str, range(450)))
        while await outbox.announce(backends):
            pass
        kept = await told(backends, user_id)
        assert 100 <= len(kept) < 300
        assert kept[-1] == '{"name": "449"}'
        assert await backends.redis.ttl(stream_of(user_id)) > 6 * 86_400

    on(settings, work)
