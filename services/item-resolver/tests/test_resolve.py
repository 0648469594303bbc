"""Resolving a page: what is read from it, and what is never fetched."""

import asyncio

import httpx
import pytest
from fastapi.testclient import TestClient

from app.guard import Refused, require_public
from tests.conftest import AUTHORIZED, TOKEN, client_of


def resolve(client: TestClient, url: str) -> tuple[int, dict[str, str]]:
    answer = client.post("/resolver/v1/resolve", json={"url": url}, headers=AUTHORIZED)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("path", "title"),
    [("/plain", "A plain kettle"), ("/shared", "A red kettle"), ("/untitled", None)],
)
def test_the_title_of_a_page(
    lenient_client: TestClient, shop: str, path: str, title: str | None
) -> None:
    address = shop + path
    assert resolve(lenient_client, address) == (200, {"title": title, "canonical_url": address})


def test_a_redirect_is_followed_and_named(lenient_client: TestClient, shop: str) -> None:
    status, found = resolve(lenient_client, f"{shop}/moved")
    assert (status, found["canonical_url"]) == (200, f"{shop}/plain")


def test_a_redirect_to_a_private_host_is_refused(lenient_client: TestClient, shop: str) -> None:
    assert resolve(lenient_client, f"{shop}/inside") == (
        403,
        {"detail": "127.0.0.2 is a private address"},
    )


@pytest.mark.parametrize("path", ["/circle", "/missing"])
def test_a_page_that_cannot_be_had_is_502(lenient_client: TestClient, shop: str, path: str) -> None:
    assert resolve(lenient_client, shop + path)[0] == 502


def test_the_stub_asks_nobody() -> None:
    stub = client_of(ru_bearer_token=TOKEN, ru_fetcher_mode="stub")
    assert resolve(stub, "https://nowhere.invalid/x") == (
        200,
        {"title": "Stub page", "canonical_url": "https://nowhere.invalid/x"},
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "http://10.0.0.1/",
        "http://172.16.5.4/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http:///nothing",
        "not an address",
    ],
)
def test_a_private_or_foreign_address_is_refused(client: TestClient, url: str) -> None:
    assert resolve(client, url)[0] == 403


@pytest.mark.parametrize("url", ["https://93.184.215.14/", "https://[2606:4700::1111]/"])
def test_a_public_address_passes_the_guard(url: str) -> None:
    asyncio.run(require_public(httpx.URL(url), frozenset()))


def test_the_allow_list_is_of_exact_hosts() -> None:
    allowed = frozenset({"10.0.0.1"})
    asyncio.run(require_public(httpx.URL("http://10.0.0.1/"), allowed))
    with pytest.raises(Refused, match=r"^10\.0\.0\.2 is a private address$"):
        asyncio.run(require_public(httpx.URL("http://10.0.0.2/"), allowed))
