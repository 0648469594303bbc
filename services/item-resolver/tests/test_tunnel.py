"""The way out: what was checked is what is connected to, and nothing else gets through."""

import asyncio
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import Any

import httpx
import pytest

from app import guard as guards
from app.fetch import HttpFetcher, Page
from app.guard import Guard
from app.tunnel import Asked, Tunnel, read_head
from tests.conftest import Shop

PUBLIC = "93.184.215.14"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_changes_its_address_gets_only_the_checked_one(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    answers = [[ip_address(PUBLIC)], [ip_address("127.0.0.1")]]
    looked_up: list[str] = []
    connected: list[tuple[str, int]] = []

    async def look_up(host: str) -> list[Any]:
        looked_up.append(host)
        return answers[len(looked_up) - 1]

    async def connect(address: str, port: int) -> None:
        connected.append((address, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(guards, "_look_up", look_up)
    monkeypatch.setattr(asyncio, "open_connection", connect)
    with pytest.raises(Exception, match=r"^no page to be had: "):
        asyncio.run(HttpFetcher(Guard()).fetch(f"{scheme}://rebinding.test/"))
    assert looked_up == ["rebinding.test"]
    assert connected == [(PUBLIC, {"http": 80, "https": 443}[scheme])]


def through(
    guard: Guard, act: Callable[[Tunnel], Coroutine[Any, Any, bytes]], max_bytes: int = 100_000
) -> tuple[bytes, Tunnel]:
    async def run() -> tuple[bytes, Tunnel]:
        async with Tunnel(guard, max_bytes) as tunnel:
            return await asyncio.wait_for(act(tunnel), 5), tunnel

    return asyncio.run(run())


def sends(raw: bytes) -> Callable[[Tunnel], Coroutine[Any, Any, bytes]]:
    async def act(tunnel: Tunnel) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(tunnel.url).port)
        writer.write(raw)
        try:
            return await reader.read()
        finally:
            writer.close()

    return act


@pytest.mark.parametrize(
    "raw",
    [
        b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n\r\n",
        b"CONNECT [::1]:443 HTTP/1.1\r\n\r\n",
        b"CONNECT localhost:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
        b"CONNECT 93.184.215.14:22 HTTP/1.1\r\n\r\n",
        b"GET http://10.0.0.1/ HTTP/1.1\r\nHost: example.com\r\n\r\n",
        b"POST http://169.254.169.254/x HTTP/1.1\r\nContent-Length: 1\r\n\r\na",
    ],
)
def test_a_refused_connection_is_told_and_remembered(raw: bytes) -> None:
    answer, tunnel = through(Guard(), sends(raw))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert tunnel.refusal is not None


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        b"GET https://example.com/ HTTP/1.1\r\n\r\n",
        b"CONNECT example.com HTTP/1.1\r\n\r\n",
        b"CONNECT example.com:port HTTP/1.1\r\n\r\n",
        b"CONNECT :80 HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\xff\xfe / HTTP/1.1\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\n\r\n",
        b"GET http://example.com/ HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_request_to_a_proxy_is_turned_away(raw: bytes) -> None:
    answer, tunnel = through(Guard(), sends(raw))
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert tunnel.refusal is None


def test_a_request_is_passed_on_as_a_server_expects_it() -> None:
    head = (
        b"GET http://shop.test:8080/a?b=c HTTP/1.1\r\nHost: shop.test:8080\r\n"
        b"Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nAccept: */*\r\n\r\n"
    )
    assert read_head(head) == Asked(
        "shop.test",
        8080,
        b"GET /a?b=c HTTP/1.1\r\nHost: shop.test:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n",
    )


def test_a_page_that_brings_too_much_is_cut_off(shop: Shop) -> None:
    shop.pages["/endless"] = "x" * 500_000
    request = f"GET {shop.url}/endless HTTP/1.1\r\nHost: shop\r\n\r\n".encode()
    answer, tunnel = through(Guard(frozenset({"127.0.0.1"})), sends(request))
    assert len(answer) <= 100_000
    assert tunnel.overflown


def test_no_connection_outlives_its_page(shop: Shop) -> None:
    async def run() -> bytes:
        async with Tunnel(Guard(frozenset({"127.0.0.1"})), 1000) as tunnel:
            reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(tunnel.url).port)
            writer.write(f"CONNECT 127.0.0.1:{shop.port} HTTP/1.1\r\n\r\n".encode())
            assert await reader.readuntil(b"\r\n\r\n") == (
                b"HTTP/1.1 200 Connection established\r\n\r\n"
            )
        try:
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()

    assert asyncio.run(run()) == b""


def test_a_page_of_an_allowed_host_comes_through(shop: Shop) -> None:
    fetched = asyncio.run(HttpFetcher(Guard(frozenset({"127.0.0.1"}))).fetch(f"{shop.url}/plain"))
    assert fetched == Page(f"{shop.url}/plain", shop.pages["/plain"])
