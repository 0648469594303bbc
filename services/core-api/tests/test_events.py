"""Events reach every open stream of their user, on all replicas, once."""

import asyncio
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.testclient import TestClient
from redis.asyncio import Redis

from app import streams
from app.streams import Event, Streams
from app.tokens import ACCESS_LIFETIME, access_token
from tests.conftest import SIGNING_KEY
from tests.people import Person, listening
from tests.servers import RedisServer, until

Replicas = tuple[str, str]


@contextmanager
def without_redis(redis: RedisServer, how: int = signal.SIGTERM) -> Iterator[None]:
    redis.stop(how)
    try:
        yield
    finally:
        redis.start()


def test_a_change_on_one_replica_is_heard_on_both(replicas: Replicas, person: Person) -> None:
    with listening(replicas[0], person.token) as one, listening(replicas[1], person.token) as two:
        item = person.item(person.wishlist("Birthday"), title="Kite")
        for listener in (one, two):
            made = listener.next()
            assert (made.name, made.data["name"]) == ("wishlists:updated", "Birthday")
            added = listener.next()
            assert (added.name, added.data) == ("items:updated", item)
        assert one.place == two.place


def test_removals_are_told(replicas: Replicas, person: Person) -> None:
    wishlist = person.wishlist()
    item = person.item(wishlist, title="Kite")
    with listening(replicas[1], person.token, after="0-0") as listener:
        listener.next(), listener.next()
        person.api.delete(f"/items/{item['id']}")
        gone = {"id": item["id"], "wishlist_id": wishlist, "deleted": True}
        assert listener.next().data == gone
        person.api.delete(f"/wishlists/{wishlist}")
        assert listener.next().data == {"id": wishlist, "deleted": True}


def test_nobody_hears_of_other_peoples_wishes(
    replicas: Replicas, person: Person, new_person: Callable[[], Person]
) -> None:
    other = new_person()
    with listening(replicas[0], other.token) as listener:
        person.wishlist()
        other.wishlist("Own")
        assert listener.next().data["name"] == "Own"


def test_a_stream_goes_on_where_it_ended_also_on_another_replica(
    replicas: Replicas, person: Person
) -> None:
    wishlist = person.wishlist()
    with listening(replicas[0], person.token) as before:
        person.item(wishlist, title="one")
        assert before.titles(1) == ["one"]
    person.item(wishlist, title="two")
    person.item(wishlist, title="three")
    with listening(replicas[1], person.token, after=before.place or "") as after:
        person.item(wishlist, title="four")
        assert after.titles(3) == ["two", "three", "four"]


def test_a_stream_that_heard_nothing_yet_has_a_place_to_go_on_from(
    replicas: Replicas, person: Person
) -> None:
    wishlist = person.wishlist()
    with listening(replicas[0], person.token) as before:
        pass
    person.item(wishlist, title="meanwhile")
    with listening(replicas[1], person.token, after=before.place or "") as after:
        assert after.titles(1) == ["meanwhile"]


def test_the_header_of_a_browser_counts_before_the_query(
    replicas: Replicas, person: Person
) -> None:
    person.wishlist("first")
    query = {"token": person.token, "last_event_id": "9999999999999-0"}
    with httpx.stream(
        "GET",
        f"{replicas[0]}/api/v1/events/stream",
        params=query,
        headers={"Last-Event-ID": "0-0"},
        timeout=10,
    ) as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(3)] == ["retry: 1000", "id: 0-0", ""]
        assert next(lines).startswith("id: ")
        assert next(lines) == "event: wishlists:updated"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_of_redis_loses_nothing_and_doubles_nothing(
    replicas: Replicas, person: Person, redis: RedisServer, how: int
) -> None:
    wishlist = person.wishlist()
    with listening(replicas[0], person.token) as one, listening(replicas[1], person.token) as two:
        person.item(wishlist, title="before")
        with without_redis(redis, how):
            person.item(wishlist, title="while away 1")
            person.item(wishlist, title="while away 2")
        person.item(wishlist, title="after")
        wanted = ["before", "while away 1", "while away 2", "after"]
        assert one.titles(4) == two.titles(4) == wanted
        assert one.heard.empty()
        assert two.heard.empty()


def test_a_stream_opened_while_redis_is_away_hears_what_comes(
    replicas: Replicas, person: Person, redis: RedisServer
) -> None:
    wishlist = person.wishlist()
    with without_redis(redis):
        with listening(replicas[0], person.token) as listener:
            person.item(wishlist, title="while away")
            redis.start()
            assert listener.titles(1) == ["while away"]
        redis.stop()


def test_silence_is_broken_by_a_ping_that_keeps_the_place(
    replicas: Replicas, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SILENCE", 0.3)
    with listening(replicas[0], person.token) as listener:
        opened = listener.place
        ping = listener.next()
        assert (ping.name, ping.data, ping.id) == ("sync:ping", {}, opened)


def test_a_stream_is_neither_stored_nor_held_back(replicas: Replicas, person: Person) -> None:
    with listening(replicas[0], person.token) as listener:
        assert listener.headers is not None
        assert listener.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert listener.headers["X-Accel-Buffering"] == "no"
        assert listener.headers["Cache-Control"] == "no-cache, no-transform"


def test_a_stream_needs_a_token_that_is_good(replicas: Replicas, person: Person) -> None:
    address = f"{replicas[0]}/api/v1/events/stream"
    assert httpx.get(address).status_code == 422
    assert httpx.get(address, params={"token": "x"}).status_code == 401
    forged = access_token(uuid4(), "another-key-that-is-long-enough-to-sign")
    assert httpx.get(address, params={"token": forged}).status_code == 401


def access(person: Person, seconds: float) -> str:
    """A token of the user that is good for so long."""
    user_id = UUID(person.api.get("/auth/me").json()["id"])
    return access_token(
        user_id, SIGNING_KEY, datetime.now(UTC) - ACCESS_LIFETIME + timedelta(seconds=seconds)
    )


def test_a_stream_ends_with_its_token_and_another_goes_on_behind_it(
    replicas: Replicas, person: Person
) -> None:
    wishlist = person.wishlist()
    good_for = 4
    begun = time.monotonic()
    with listening(replicas[0], access(person, good_for)) as before:
        person.item(wishlist, title="one")
        assert before.titles(1) == ["one"]
        assert before.ended.wait(30)
        assert good_for - 2 < time.monotonic() - begun
    person.item(wishlist, title="between")
    with listening(replicas[1], person.token, after=before.place or "") as after:
        person.item(wishlist, title="two")
        assert after.titles(2) == ["between", "two"]


def test_a_stream_without_an_event_tells_its_place_before_it_ends(
    replicas: Replicas, person: Person
) -> None:
    with listening(replicas[0], access(person, 3)) as listener:
        opened = listener.place
        last = listener.next(30)
        assert (last.name, last.id) == ("sync:ping", opened)
        assert listener.ended.wait(30)


def test_a_user_with_too_many_streams_is_refused_one_more_and_keeps_the_others(
    replicas: Replicas, person: Person, new_person: Callable[[], Person]
) -> None:
    other = new_person()
    asked = {"url": f"{replicas[0]}/api/v1/events/stream", "params": {"token": person.token}}
    with ExitStack() as stack:
        left = stack.enter_context(httpx.stream("GET", **asked, timeout=20))
        mine = [
            stack.enter_context(listening(replicas[0], person.token))
            for _ in range(streams.MOST - 1)
        ]
        refused = httpx.get(**asked, timeout=20)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
        assert refused.json() == {"detail": "too many streams are open"}
        stack.enter_context(listening(replicas[0], other.token))
        person.wishlist("still heard")
        assert {listener.next().data["name"] for listener in mine} == {"still heard"}
        left.close()
        until(lambda: status_of(**asked) == 200, 30)


def status_of(**asked: Any) -> int:
    with httpx.stream("GET", **asked, timeout=20) as answer:
        return answer.status_code


def test_whoever_opens_a_hundred_streams_at_once_has_no_more_than_others(
    replicas: Replicas, person: Person
) -> None:
    async def rush() -> list[int]:
        url = f"{replicas[0]}/api/v1/events/stream"
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits()) as client:
            asked = [client.build_request("GET", url, params={"token": person.token})] * 100
            answers = await asyncio.gather(*(client.send(one, stream=True) for one in asked))
            return [answer.status_code for answer in answers]

    assert Counter(asyncio.run(rush())) == {200: streams.MOST, 429: 100 - streams.MOST}


@pytest.mark.parametrize("junk", ["", "x", "1", "-1-0", "9" * 30 + "-0", "0-0\x00"])
def test_a_place_that_is_none_of_ours_is_no_place(junk: str) -> None:
    assert streams.place(junk) is None


def test_a_stream_that_begins_as_the_process_stops_still_tells_its_place(
    client: TestClient,
) -> None:
    """Whoever was answered comes back to what happened since, not to what happens from then on."""
    stopping = client.app.state.stopping
    stopping.set()
    try:
        answer = client.get(f"/api/v1/events/stream?token={access_token(uuid4(), SIGNING_KEY)}")
    finally:
        stopping.clear()
    assert re.fullmatch(r"retry: 1000\nid: \d+-\d+\n\n", answer.text)


class Lossy(Streams):
    """Its library loses the cancellation that meets an answer."""

    async def read(self, user_id: UUID, after: str) -> list[Event]:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return []


def test_a_stream_ends_in_time_also_where_a_cancellation_is_lost() -> None:
    lossy = Lossy(cast("Redis", None), asyncio.Event())

    async def waited() -> list[Event]:
        return await asyncio.wait_for(lossy.next(UUID(int=1), "7-0", asyncio.Event(), 0.1), 30)

    assert asyncio.run(waited()) == [Event("7-0", "sync:ping")]
