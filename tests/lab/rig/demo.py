"""A person with wishes, so that the site of a new lab has something to show."""

from __future__ import annotations

from collections.abc import Iterator

import requests

from .docker import LabError

PERSON = {"email": "demo@example.org", "password": "demo of wish with me", "name": "Demo"}
LISTS = {"Birthday": ("A good umbrella", "Coffee for two"), "Some day": ("A week at the sea",)}
TIMEOUT = 20


def seed(door: str, shop: str) -> None:
    """Give ``PERSON`` lists with wishes, one of them from the shop; once."""
    with requests.Session() as session:
        session.trust_env = False  # the door is on this machine
        try:
            _seed(session, f"{door}/api/v1", shop)
        except requests.RequestException as error:
            raise LabError(f"the site at {door} takes no wishes: {error}") from None


def _seed(session: requests.Session, api: str, shop: str) -> None:
    registered = session.post(f"{api}/auth/register", json=PERSON, timeout=TIMEOUT)
    if registered.status_code == requests.codes.conflict:
        return
    token = _json(registered)["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    for name, items in _wishes(shop):
        made = _json(session.post(f"{api}/wishlists", json={"name": name}, timeout=TIMEOUT))
        for item in items:
            address = f"{api}/wishlists/{made['id']}/items"
            _json(session.post(address, json=item, timeout=TIMEOUT))


def _wishes(shop: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for name, titles in LISTS.items():
        yield name, [{"title": title} for title in titles]
    yield "From the shop", [{"source_url": shop}]


def _json(answer: requests.Response) -> dict[str, str]:
    answer.raise_for_status()
    found: dict[str, str] = answer.json()
    return found
