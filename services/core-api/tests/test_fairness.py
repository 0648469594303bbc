"""Whoever asks for much waits for themselves; everybody else is served in turn."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from app import turns
from tests.people import Person
from tests.servers import Answer, StandIn, until

Replicas = tuple[str, str]

# What another user's item takes at most while one user's pages are endless (docs/services.md).
IN_TURN = 30
# For all else: what the test before left in the queue comes first, on a busy machine.
PATIENCE = 90


class Pages:
    """Pages that answer when the test lets them; knows whose are being read."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.begun: list[str] = []
        self.open: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.ended: dict[str, threading.Event] = {}

    def address(self, whose: str, *, endless: bool) -> str:
        url = f"https://{whose}.test/{uuid4().hex}"
        self.ended[url] = threading.Event()
        if not endless:
            self.ended[url].set()
        return url

    def __call__(self, url: str) -> Answer:
        if url not in self.ended:
            return 200, {"title": "Kite"}
        whose = url.split("/")[2].partition(".")[0]
        with self.lock:
            self.begun.append(url)
            self.open[whose] += 1
            self.most[whose] = max(self.most[whose], self.open[whose])
        self.ended[url].wait(300)
        with self.lock:
            self.open[whose] -= 1
        return 200, {"title": "Kite"}

    def owners(self) -> list[str]:
        with self.lock:
            return [url.split("/")[2].partition(".")[0] for url in self.begun]


@contextmanager
def pages(resolver: StandIn) -> Iterator[Pages]:
    before = resolver.answer
    resolver.answer = answer = Pages()
    yield answer
    for ended in answer.ended.values():
        ended.set()
    resolver.answer = before


def added(person: Person, pages: Pages, whose: str, count: int) -> list[dict[str, object]]:
    """So many items of endless pages."""
    wishlist = person.wishlist()
    return [
        person.item(wishlist, source_url=pages.address(whose, endless=True)) for _ in range(count)
    ]


def test_fourteen_endless_pages_of_one_user_do_not_keep_another_waiting(
    person: Person, new_person: Callable[[], Person], resolver: StandIn
) -> None:
    other = new_person()
    with pages(resolver) as held:
        endless = added(person, held, "attacker", 14)
        until(lambda: held.open["attacker"] == turns.PER_USER, PATIENCE)
        item = other.item(other.wishlist(), source_url=held.address("other", endless=False))
        until(lambda: other.status(item) == "resolved", IN_TURN)
        assert {person.status(one) for one in endless} == {"pending"}
        assert held.most["attacker"] == turns.PER_USER < turns.AT_ONCE
    until(lambda: {person.status(one) for one in endless} == {"resolved"}, PATIENCE)


def test_a_slot_that_is_free_goes_to_whoever_waits_with_the_fewest_at_work(
    person: Person, new_person: Callable[[], Person], resolver: StandIn
) -> None:
    second, third = new_person(), new_person()
    with pages(resolver) as held:
        added(person, held, "first", 6)
        added(second, held, "second", 6)
        until(lambda: sum(held.open.values()) == turns.AT_ONCE, PATIENCE)
        added(third, held, "third", 1)
        held.ended[held.begun[0]].set()
        until(lambda: len(held.owners()) > turns.AT_ONCE, PATIENCE)
        assert held.owners()[turns.AT_ONCE] == "third"


def test_users_with_as_many_at_work_take_turns(
    new_person: Callable[[], Person], resolver: StandIn
) -> None:
    """Not whoever asked first: their many would be served before the others' first."""
    names = ["one", "two", "three", "four", "five", "six"]
    with pages(resolver) as held:
        people = {name: new_person() for name in names}
        for name in names[:4]:
            added(people[name], held, name, 8)
        for name in names[4:]:
            added(people[name], held, name, 3)
        until(lambda: sum(held.open.values()) == turns.AT_ONCE, PATIENCE)
        # One ends at a time, always of those that began first.
        for number in range(12):
            held.ended[held.begun[number]].set()
            until(lambda so_far=number: len(held.begun) > so_far + turns.AT_ONCE, PATIENCE)
        served = held.owners()[turns.AT_ONCE : 16]
    assert min(Counter(served)[name] for name in names[4:]) >= 2


def test_the_job_of_an_item_that_is_gone_keeps_nobody_waiting(
    person: Person, resolver: StandIn
) -> None:
    wishlist = person.wishlist()
    with pages(resolver) as held:
        added(person, held, "holder", turns.PER_USER)
        until(lambda: held.open["holder"] == turns.PER_USER, PATIENCE)
        gone = person.item(wishlist, source_url=held.address("holder", endless=True))
        assert person.api.delete(f"/items/{gone['id']}").status_code == 204
        behind = person.item(wishlist, source_url=held.address("holder", endless=False))
        held.ended[held.begun[0]].set()
        until(lambda: person.status(behind) == "resolved", PATIENCE)
