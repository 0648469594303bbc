"""A user's events as Redis keeps them, followed by every open stream of that user.

Each user has a capped Redis stream, and each open connection a place in it: the id of the last
entry it was given. Whatever happens to Redis, to a replica or to the connection, reading goes on
after that place, so nothing is lost and nothing comes twice. The channel `sse:events` is a bell
only.
"""

import asyncio
import json
import logging
import re
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError

from app.lifecycle import Stopping, unless

CHANNEL = "sse:events"
# After so many seconds without an event a client is told that the stream is alive.
SILENCE = 30.0
# So long Redis may be quiet before it is asked for a sign of life.
QUIET = 10.0
RETRY = 1.0
BATCH = 100
# So many streams one user may have open on each replica.
MOST = 20

log = logging.getLogger(__name__)


def stream_of(user_id: UUID) -> str:
    """The key of the user's stream in Redis."""
    return f"sse:user:{user_id}"


def place(last_event_id: str | None) -> str | None:
    """The place that a client names; None when it is none of ours."""
    found = re.fullmatch(r"[0-9]{1,15}-[0-9]{1,15}", last_event_id or "")
    return found.group() if found else None


@dataclass(frozen=True)
class Event:
    """What a client is sent. Without a name it only tells the place."""

    id: str
    name: str | None = None
    data: str = "{}"


class TooMany(Exception):
    """The user has as many streams open here as one may have."""


class Streams:
    """The open streams of one process."""

    def __init__(self, redis: Redis, stopping: asyncio.Event) -> None:
        self.redis = redis
        self.stopping = stopping
        self.bells: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def follow(self, user_id: UUID, here: str, until: float) -> AsyncGenerator[Event, None]:
        """The user's events after that place; ends at that time, and when the process stops.

        Raises TooMany at the first step, which counts the stream. A ping comes before the end, so
        that a client knows its place to go on from.
        """
        if len(self.bells.get(str(user_id), ())) >= MOST:
            raise TooMany
        with self.bell(user_id) as bell:
            # Its place before the first event: what happens while a client reconnects counts.
            yield Event(here)
            try:
                while (left := until - time.time()) > 0:
                    wait = min(SILENCE, left)
                    found = await unless(self.stopping, self.next(user_id, here, bell, wait))
                    for event in found:
                        yield event
                        here = event.id
            except Stopping:
                return

    async def beginning(self, user_id: UUID, after: str | None) -> str:
        """The place to read on from: the one that is named, or where the user's stream ends."""
        if after is not None:
            return after
        try:
            last = await self.redis.xrevrange(stream_of(user_id), count=1)
        except (RedisError, OSError):
            # The ids are Redis' own clock, which is this host's.
            return f"{time.time_ns() // 1_000_000}-0"
        return str(last[0][0]) if last else "0-0"

    async def next(
        self, user_id: UUID, after: str, bell: asyncio.Event, wait: float
    ) -> list[Event]:
        """Wait so long for events after that place; else a ping, also while Redis is away."""
        end = asyncio.get_running_loop().time() + wait
        try:
            while True:
                bell.clear()
                # Each apart: a library may lose the cancellation that meets its answer.
                async with asyncio.timeout_at(end):
                    try:
                        found = await self.read(user_id, after)
                    except (RedisError, OSError):
                        await asyncio.sleep(RETRY)
                        continue
                if found:
                    return found
                async with asyncio.timeout_at(end):
                    await bell.wait()
        except TimeoutError:
            return [Event(after, "sync:ping")]

    async def read(self, user_id: UUID, after: str) -> list[Event]:
        """The next events after that place, if there are any."""
        entries: Any = await self.redis.xrange(stream_of(user_id), f"({after}", count=BATCH)
        return [Event(key, entry["event"], entry["data"]) for key, entry in entries]

    async def listen(self) -> None:
        """Ring for every event that any replica announces. Raises when Redis goes away."""
        async with self.redis.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            asked = False
            while True:
                heard = await subscription.get_message(timeout=QUIET)
                if heard is not None:
                    self.ring(heard)
                elif asked:
                    raise RedisAway("no answer to a ping")
                else:
                    await subscription.ping()
                asked = heard is None

    def ring(self, heard: dict[str, str]) -> None:
        """Wake the streams that a message is about; all of them once the channel is open."""
        if heard["type"] == "subscribe":
            rung = list(self.bells.values())
        elif heard["type"] == "message":
            rung = [self.bells.get(user_of(heard["data"]), set())]
        else:
            return
        for bells in rung:
            for bell in bells:
                bell.set()

    @contextmanager
    def bell(self, user_id: UUID) -> Iterator[asyncio.Event]:
        """A bell that rings when the user's stream may have grown."""
        bell = asyncio.Event()
        self.bells[str(user_id)].add(bell)
        try:
            yield bell
        finally:
            self.bells[str(user_id)].discard(bell)
            if not self.bells[str(user_id)]:
                del self.bells[str(user_id)]


def user_of(message: str) -> str:
    """Whom a message of the channel is about; nobody when it is not one of ours."""
    try:
        return str(json.loads(message)["user_id"])
    except (ValueError, TypeError, KeyError):
        return ""
