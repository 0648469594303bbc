"""Wishlists and their items: made, read, changed, removed, and nobody else's."""

from collections.abc import Callable

import pytest

from tests.people import Person


def test_a_wishlist_lives_from_its_making_to_its_removal(person: Person) -> None:
    made = person.api.post("/wishlists", json={"name": "Birthday"})
    assert made.status_code == 201
    wishlist = made.json()
    assert sorted(wishlist) == ["created_at", "id", "items_count", "name", "updated_at"]
    path = f"/wishlists/{wishlist['id']}"
    assert person.api.get(path).json() == wishlist
    renamed = person.api.patch(path, json={"name": "Christmas"}).json()
    assert (renamed["name"], renamed["created_at"]) == ("Christmas", wishlist["created_at"])
    assert renamed["updated_at"] > wishlist["updated_at"]
    assert person.api.get("/wishlists").json() == [renamed]
    assert person.api.delete(path).status_code == 204
    assert person.api.get(path).status_code == 404
    assert person.api.get("/wishlists").json() == []


def test_an_item_lives_from_its_making_to_its_removal(person: Person) -> None:
    wishlist = person.wishlist()
    item = person.item(wishlist, title="Kite", price="12.5", currency="EUR")
    assert item == {
        "id": item["id"],
        "wishlist_id": wishlist,
        "title": "Kite",
        "source_url": None,
        "image_url": None,
        "price": "12.50",
        "currency": "EUR",
        "status": "ready",
        "created_at": item["created_at"],
        "updated_at": item["updated_at"],
    }
    path = f"/items/{item['id']}"
    assert person.api.get(path).json() == item
    changed = person.api.patch(path, json={"title": "Big kite", "price": None}).json()
    assert (changed["title"], changed["price"], changed["currency"]) == ("Big kite", None, "EUR")
    assert person.api.get(f"/wishlists/{wishlist}/items").json() == [changed]
    assert person.api.get(f"/wishlists/{wishlist}").json()["items_count"] == 1
    assert person.api.delete(path).status_code == 204
    assert person.api.get(path).status_code == 404
    assert person.api.get(f"/wishlists/{wishlist}").json()["items_count"] == 0


def test_what_is_somebody_elses_does_not_exist(
    person: Person, new_person: Callable[[], Person]
) -> None:
    wishlist = person.wishlist()
    item = person.item(wishlist, title="Kite")
    other = new_person()
    for path, change in ((f"/wishlists/{wishlist}", "name"), (f"/items/{item['id']}", "title")):
        assert other.api.get(path).status_code == 404
        assert other.api.patch(path, json={change: "mine"}).status_code == 404
        assert other.api.delete(path).status_code == 404
    items = f"/wishlists/{wishlist}/items"
    assert other.api.get(items).status_code == 404
    assert other.api.post(items, json={"title": "Mine"}).status_code == 404
    assert other.api.get("/wishlists").json() == []
    assert person.api.get(items).json() == [item]


def test_without_a_token_there_is_nothing(person: Person) -> None:
    wishlist = person.wishlist()
    del person.api.headers["Authorization"]
    for path in ("/wishlists", f"/wishlists/{wishlist}", f"/wishlists/{wishlist}/items"):
        assert person.api.get(path).status_code == 401


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"title": ""},
        {"title": "a\x00b"},
        {"title": "x" * 501},
        {"source_url": "ftp://shop.test/kite"},
        {"source_url": "https://shop.test/a b"},
        {"title": "Kite", "price": "-1"},
        {"title": "Kite", "price": "1e400"},
        {"title": "Kite", "price": "0.001"},
        {"title": "Kite", "currency": "euro"},
    ],
)
def test_an_item_that_is_none_is_refused(person: Person, item: dict[str, str]) -> None:
    answer = person.api.post(f"/wishlists/{person.wishlist()}/items", json=item)
    assert answer.status_code == 422


def test_a_title_cannot_be_taken_away(person: Person) -> None:
    item = person.item(person.wishlist(), title="Kite")
    assert person.api.patch(f"/items/{item['id']}", json={"title": None}).status_code == 422


def test_a_refusal_does_not_repeat_what_was_sent(person: Person) -> None:
    body = b'{"email": "a@b.test", "password": "\\ud800 hidden", "name": "Ada"}'
    header = {"Content-Type": "application/json"}
    answer = person.api.post("/auth/register", content=body, headers=header)
    assert answer.status_code == 422
    assert "hidden" not in answer.text
