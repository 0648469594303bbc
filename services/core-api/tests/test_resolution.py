"""An item added by its address is resolved in the background, whatever happens meanwhile."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app import resolution, turns
from app.settings import Settings
from tests.people import Person, listening
from tests.servers import Answer, StandIn, until

Replicas = tuple[str, str]


def address() -> str:
    return f"https://shop.test/{uuid4().hex}"


@contextmanager
def answering(resolver: StandIn, answer: Callable[[str], Answer]) -> Iterator[None]:
    before, resolver.answer = resolver.answer, answer
    yield
    resolver.answer = before


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries that a test can wait for."""
    monkeypatch.setattr(resolution, "PAUSES", [timedelta(seconds=0.1)] * 2)


def test_an_address_becomes_an_item_that_is_announced(
    replicas: Replicas, person: Person, resolver: StandIn
) -> None:
    page = {
        "title": " Kite ",
        "canonical_url": "https://shop.test/kite",
        "image_url": "https://shop.test/kite.png",
        "price": "19.90",
        "currency": "EUR",
    }
    url = address()
    with (
        answering(resolver, lambda url: (200, page)),
        listening(replicas[1], person.token) as listener,
    ):
        item = person.item(person.wishlist(), source_url=url)
        assert (item["status"], item["title"]) == ("pending", url)
        names = ["wishlists:updated", "items:updated", "items:resolved"]
        heard = [listener.next() for _ in names]
        assert [one.name for one in heard] == names
    resolved = heard[-1].data
    assert resolved == person.api.get(f"/items/{item['id']}").json()
    assert resolved == item | {
        "title": "Kite",
        "image_url": "https://shop.test/kite.png",
        "price": "19.90",
        "currency": "EUR",
        "status": "resolved",
        "updated_at": resolved["updated_at"],
    }
    assert resolver.asked.count(url) == 1


def test_what_the_user_typed_stays(person: Person, resolver: StandIn) -> None:
    page = {"title": "Kite", "price": "19.90", "currency": "EUR"}
    with answering(resolver, lambda url: (200, page)):
        item = person.item(person.wishlist(), source_url=address(), title="My kite", price="15")
        until(lambda: person.status(item) == "resolved")
    found = person.api.get(f"/items/{item['id']}").json()
    assert (found["title"], found["price"], found["currency"]) == ("My kite", "15.00", None)


def test_what_a_page_may_not_say_is_left_out(person: Person, resolver: StandIn) -> None:
    page = {"title": "x\x00" + "y" * 900, "image_url": "data:x", "price": "NaN", "currency": "€"}
    with answering(resolver, lambda url: (200, page)):
        item = person.item(person.wishlist(), source_url=address())
        until(lambda: person.status(item) == "resolved")
    found = person.api.get(f"/items/{item['id']}").json()
    assert found["title"] == "x" + "y" * 499
    assert (found["image_url"], found["price"], found["currency"]) == (None, None, None)


@pytest.mark.parametrize("status", [403, 422])
def test_an_address_that_is_refused_fails_at_once(
    person: Person, resolver: StandIn, status: int
) -> None:
    url = address()
    with answering(resolver, lambda url: (status, {"detail": "no"})):
        item = person.item(person.wishlist(), source_url=url)
        until(lambda: person.status(item) == "failed")
    assert resolver.asked.count(url) == 1


@pytest.mark.usefixtures("hasty")
def test_a_resolver_that_comes_back_is_asked_again(person: Person, resolver: StandIn) -> None:
    url = address()

    def third_time(url: str) -> Answer:
        return (200, {"title": "Kite"}) if resolver.asked.count(url) == 3 else (502, {})

    with answering(resolver, third_time):
        item = person.item(person.wishlist(), source_url=url)
        until(lambda: person.status(item) == "resolved")
    assert resolver.asked.count(url) == 3


@pytest.mark.usefixtures("hasty")
def test_a_resolver_that_is_busy_for_long_still_gets_to_the_item(
    person: Person, resolver: StandIn
) -> None:
    url = address()

    def fifth_time(url: str) -> Answer:
        return (200, {"title": "Kite"}) if resolver.asked.count(url) == 5 else (503, {})

    with answering(resolver, fifth_time):
        item = person.item(person.wishlist(), source_url=url)
        until(lambda: person.status(item) == "resolved", 15)
    assert resolver.asked.count(url) == 5


def test_all_replicas_together_ask_no_more_than_the_resolver_can_do(
    person: Person, new_person: Callable[[], Person], resolver: StandIn
) -> None:
    lock, all_at_work, now, most = threading.Lock(), threading.Event(), 0, 0

    def counting(url: str) -> Answer:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        if most == turns.AT_ONCE:
            all_at_work.set()
        all_at_work.wait(10)
        time.sleep(0.1)  # one more would come meanwhile
        with lock:
            now -= 1
        return 200, {"title": "Kite"}

    with answering(resolver, counting):
        items = [
            (owner, owner.item(wishlist, source_url=address()))
            for owner in (person, new_person())
            for wishlist in [owner.wishlist()]
            for _ in range(8)
        ]
        until(lambda: {owner.status(item) for owner, item in items} == {"resolved"}, 20)
    assert most == turns.AT_ONCE


@pytest.mark.usefixtures("hasty")
def test_a_resolver_that_stays_away_fails_the_item_after_a_few_tries(
    replicas: Replicas, person: Person, resolver: StandIn
) -> None:
    url = address()
    with (
        answering(resolver, lambda url: (502, {})),
        listening(replicas[0], person.token) as listener,
    ):
        item = person.item(person.wishlist(), source_url=url)
        heard = [listener.next() for _ in range(3)]
    assert (heard[-1].name, heard[-1].data["status"]) == ("items:resolved", "failed")
    assert person.status(item) == "failed"
    assert resolver.asked.count(url) == 3


def test_an_item_removed_meanwhile_is_not_brought_back(person: Person, resolver: StandIn) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(url: str) -> Answer:
        asked.set()
        go_on.wait(10)
        return 200, {"title": "Kite"}

    with answering(resolver, slow):
        wishlist = person.wishlist()
        item = person.item(wishlist, source_url=address())
        assert asked.wait(10)
        assert person.api.delete(f"/items/{item['id']}").status_code == 204
        go_on.set()
        # The next one is behind it in the queue.
        behind = person.item(wishlist, source_url=address())
        until(lambda: person.status(behind) == "resolved")
    assert [one["id"] for one in person.api.get(f"/wishlists/{wishlist}/items").json()] == [
        behind["id"]
    ]


def execute(settings: Settings, statement: str, **values: object) -> int:
    """Run a statement and tell how many rows it touched."""

    async def run() -> int:
        engine = create_async_engine(settings.database_url.get_secret_value())
        async with engine.begin() as connection:
            done = await connection.execute(text(statement), values)
        await engine.dispose()
        return done.rowcount

    return asyncio.run(run())


TAKEN_BY_A_DEAD_WORKER = """
    UPDATE pgqueuer SET execute_after = now(), status = 'picked', queue_manager_id = :nobody,
        heartbeat = now() - interval '1 minute'
    WHERE payload = :item AND status = 'queued'
"""


def test_a_job_of_a_worker_that_died_is_taken_over(
    person: Person, resolver: StandIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolution, "PAUSES", [timedelta(hours=1)])
    url = address()
    with answering(resolver, lambda url: (503, {})):
        item = person.item(person.wishlist(), source_url=url)
        until(
            lambda: (
                execute(
                    settings, TAKEN_BY_A_DEAD_WORKER, nobody=uuid4(), item=UUID(item["id"]).bytes
                )
                == (1 if url in resolver.asked else 2)
            )
        )
    until(lambda: person.status(item) == "resolved")


def test_connections_that_the_database_drops_are_replaced(
    person: Person, settings: Settings
) -> None:
    wishlist = person.wishlist()
    dropped = execute(
        settings,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'core-api%'",
    )
    assert dropped >= 4
    item = person.item(wishlist, source_url=address())
    until(lambda: person.status(item) == "resolved")
