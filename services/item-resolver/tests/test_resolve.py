"""Resolving a page over plain HTTP: redirects, pages that cannot be had, too much at a time."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from app import main, slots
from app.slots import Busy, Slots
from tests.conftest import AUTHORIZED, TOKEN, Shop, client_of, resolve

NOTHING_MORE = {"image_url": None, "price": None, "currency": None}


@pytest.mark.parametrize(
    ("path", "title"),
    [("/plain", "A plain kettle"), ("/shared", "A red kettle"), ("/untitled", None)],
)
def test_the_title_of_a_page(
    lenient_client: TestClient, shop: Shop, path: str, title: str | None
) -> None:
    address = shop.url + path
    found = {"title": title, "canonical_url": address, **NOTHING_MORE}
    assert resolve(lenient_client, address) == (200, found)


def test_a_redirect_is_followed_and_named(lenient_client: TestClient, shop: Shop) -> None:
    status, found = resolve(lenient_client, f"{shop.url}/moved")
    assert (status, found["canonical_url"]) == (200, f"{shop.url}/plain")


def test_the_letters_of_a_page_are_read_as_its_charset_says(
    lenient_client: TestClient, shop: Shop
) -> None:
    shop.pages["/ru"] = "<title>Чайник</title>"
    assert resolve(lenient_client, f"{shop.url}/ru")[1]["title"] == "Чайник"


@pytest.mark.parametrize("path", ["/circle", "/missing", "/file"])
def test_a_page_that_cannot_be_had_is_502(
    lenient_client: TestClient, shop: Shop, path: str
) -> None:
    assert resolve(lenient_client, shop.url + path)[0] == 502


def test_a_name_without_an_address_is_502(client: TestClient) -> None:
    assert resolve(client, "http://nowhere.invalid/")[0] == 502


def test_the_stub_asks_nobody() -> None:
    stub = client_of(ru_bearer_token=TOKEN, ru_fetcher_mode="stub")
    assert resolve(stub, "https://nowhere.invalid/x") == (
        200,
        {"title": "Stub page", "canonical_url": "https://nowhere.invalid/x", **NOTHING_MORE},
    )


def test_a_request_without_an_address_is_422(client: TestClient) -> None:
    answer = client.post("/resolver/v1/resolve", json={}, headers=AUTHORIZED)
    assert answer.status_code == 422


def test_work_past_its_deadline_is_504(
    lenient_client: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "WORK_SECONDS", 0.1)
    assert resolve(lenient_client, f"{shop.url}/held") == (504, {"detail": "no page within 0 s"})


def test_whoever_waits_too_long_is_told_to_come_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "WAIT_SECONDS", 0.1)
    allowed = {"ssrf_allowlist_hosts": "127.0.0.1", "max_concurrency": "1"}
    with (
        client_of(ru_bearer_token=TOKEN, **allowed) as client,
        ThreadPoolExecutor() as pool,
    ):
        first = pool.submit(resolve, client, f"{shop.url}/held")
        while shop.asked != ["/held"]:
            threading.Event().wait(0.01)
        wanted = {"url": f"{shop.url}/plain"}
        second = client.post("/resolver/v1/resolve", json=wanted, headers=AUTHORIZED)
        assert (second.status_code, second.headers["Retry-After"]) == (503, "10")
        shop.held.set()
        assert first.result()[0] == 502
        assert resolve(client, f"{shop.url}/plain")[0] == 200


def test_more_than_a_few_do_not_even_wait() -> None:
    async def run() -> int:
        room = Slots(1)
        done = asyncio.Event()

        async def work() -> None:
            async with room.one():
                await done.wait()

        working = [asyncio.create_task(work()) for _ in range(1 + slots.WAITING_PER_SLOT)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            async with room.one():
                pass
        done.set()
        await asyncio.gather(*working)
        return len(working)

    assert asyncio.run(run()) == 5
