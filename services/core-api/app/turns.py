"""Whose page is read next: users take turns, and nobody holds more than a part of the slots."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
from pgqueuer import Job, Queries
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.types import QueueEntrypoint, QueueManagerId

# The two resolvers work on two pages each: so many jobs run at once, ours of all replicas together.
AT_ONCE = 4
# So many of them may be one user's: whatever their pages do, others have the rest.
PER_USER = 2
# One number for this database: the replicas choose one after the other, so that the limits hold.
TURNS_LOCK = 7_041_778

# A job is at work while its worker gives signs of life. The others wait: of each user the oldest
# come first, as many as the user may have at work. Between users: who has the fewest at work, then
# who was served the longest ago.
CLAIM = """
WITH jobs AS (
    SELECT job.id, wishlists.user_id, users.turn_at,
        coalesce(wishlists.user_id::text, job.id::text) AS owner,
        job.queue_manager_id = $1 AS ours,
        job.status = 'picked' AND job.heartbeat >= now() - $2::interval AS at_work
    FROM pgqueuer job
    LEFT JOIN items ON items.id = encode(job.payload, 'hex')::uuid
    LEFT JOIN wishlists ON wishlists.id = items.wishlist_id
    LEFT JOIN users ON users.id = wishlists.user_id
    WHERE job.entrypoint = ANY($3)
        AND (job.status = 'picked' OR job.status = 'queued' AND job.execute_after < now())
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY owner, at_work ORDER BY id)
        + count(*) FILTER (WHERE at_work) OVER (PARTITION BY owner) AS place
    FROM jobs
), chosen AS (
    SELECT id, user_id FROM ranked
    WHERE NOT at_work AND place <= $4
    ORDER BY place, turn_at NULLS FIRST, id
    LIMIT (
        SELECT greatest(0, least(
            $5, $6 - count(*) FILTER (WHERE at_work), $7 - count(*) FILTER (WHERE at_work AND ours)
        )) FROM jobs
    )
), served AS (
    UPDATE users SET turn_at = clock_timestamp() WHERE id IN (SELECT user_id FROM chosen)
)
UPDATE pgqueuer job
SET status = 'picked', updated = now(), heartbeat = now(), queue_manager_id = $1, slot = NULL
FROM chosen
WHERE job.id = chosen.id
    AND (job.status = 'queued' OR job.heartbeat < now() - $2::interval)
RETURNING job.*
"""


@dataclass
class FairQueries(Queries):
    """The queue as its library has it, but for the choice of the next jobs."""

    # A connection apart: a transaction on the driver's would hold what else it is asked.
    choosing: asyncpg.Connection = field(kw_only=True)

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Job]:
        """Take the next jobs for this worker; none when the slots are full or others choose."""
        values: list[Any] = [queue_manager_id, heartbeat_timeout, list(entrypoints)]
        limits = [PER_USER, batch_size, AT_ONCE, global_concurrency_limit or AT_ONCE]
        try:
            async with self.choosing.transaction():
                await self.choosing.execute("SELECT pg_advisory_xact_lock($1)", TURNS_LOCK)
                rows = await self.choosing.fetch(CLAIM, *values, *limits)
        except asyncpg.LockNotAvailableError:
            return []
        return [Job.model_validate(dict(row)) for row in rows]
