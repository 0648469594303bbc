"""A proxy of the operator: what it is asked for, and what passes it by."""

import asyncio
import base64
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from app.settings import Settings
from app.upstream import Upstream
from tests.conftest import TOKEN, Shop, client_of, resolve


class Proxy:
    """Makes the connections that it is asked for, if it likes who asks; remembers the heads."""

    def __init__(self) -> None:
        self.heads: list[list[str]] = []
        self.answer = b"HTTP/1.1 200 Connection established\r\n\r\n"
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, daemon=True).start()
        assert self._ready.wait(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self) -> None:
        serving = asyncio.start_server(self._serve, "127.0.0.1", 0)
        server = self._loop.run_until_complete(serving)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.heads.append(head[:-2])
        writer.write(self.answer)
        if b" 200 " in self.answer:
            host, _, port = head[0].split(" ")[1].rpartition(":")
            there = await asyncio.open_connection(host, int(port))
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(65536):
            sink.write(chunk)
        sink.write_eof()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.close()


def resolved(shop: Shop, proxy: Proxy, path: str = "/plain", **more: str) -> tuple[int, str | None]:
    client = client_of(
        ru_bearer_token=TOKEN,
        ssrf_allowlist_hosts=f"127.0.0.1:{shop.port}",
        proxy_server=f"http://127.0.0.1:{proxy.port}",
        **more,
    )
    status, found = resolve(client, shop.url + path)
    return status, found.get("title")


def test_a_page_is_asked_for_through_the_proxy_at_the_checked_address(
    shop: Shop, proxy: Proxy
) -> None:
    assert resolved(shop, proxy) == (200, "A plain kettle")
    place = f"127.0.0.1:{shop.port}"
    assert proxy.heads == [[f"CONNECT {place} HTTP/1.1", f"Host: {place}"]]


def test_it_is_told_who_asks(shop: Shop, proxy: Proxy) -> None:
    who = {"proxy_username": "ann", "proxy_password": "s:ecret"}
    assert resolved(shop, proxy, **who)[0] == 200
    told = base64.b64encode(b"ann:s:ecret").decode()
    assert proxy.heads[0][2:] == [f"Proxy-Authorization: Basic {told}"]
    upstream = Upstream.of(Settings(proxy_server="http://proxy.test", proxy_username="ann",
                                    proxy_password="s:ecret"))  # fmt: skip
    assert "s:ecret" not in repr(upstream)


def test_some_hosts_are_reached_without_it(shop: Shop, proxy: Proxy) -> None:
    assert resolved(shop, proxy, proxy_bypass="shop.test, 127.0.0.1") == (200, "A plain kettle")
    assert proxy.heads == []


@pytest.mark.parametrize(
    ("host", "passed_by"),
    [
        ("shop.test", True),
        ("www.shop.test.", True),
        ("SHOP.test", True),
        ("a.b.other.test", True),
        ("myshop.test", False),
        ("test", False),
        ("::1", False),
    ],
)
def test_a_name_passes_it_by_with_all_below_it(host: str, passed_by: bool) -> None:
    settings = Settings(
        proxy_server="http://proxy.test:3128", proxy_bypass="shop.test,*.other.test, ,"
    )
    upstream = Upstream.of(settings)
    assert upstream is not None
    assert upstream.passed_by(host) is passed_by


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"nonsense\r\n\r\n", b""],
)
def test_a_proxy_that_makes_no_connection_is_502(shop: Shop, proxy: Proxy, answer: bytes) -> None:
    proxy.answer = answer
    assert resolved(shop, proxy)[0] == 502
    assert shop.asked == []


def test_a_private_address_is_refused_before_the_proxy_is_asked(
    inside: Shop, shop: Shop, proxy: Proxy
) -> None:
    shop.redirects["/out"] = f"{inside.url}/plain"
    assert resolved(shop, proxy, "/out")[0] == 403
    assert (len(proxy.heads), inside.asked) == (1, [])


def test_the_certificate_of_a_proxy_counts_unless_it_is_told_not_to() -> None:
    def checked(**more: bool) -> bool:
        upstream = Upstream.of(Settings(proxy_server="https://proxy.test:3129", **more))
        assert upstream is not None
        assert upstream.tls is not None
        return upstream.tls.check_hostname

    assert (checked(), checked(proxy_ignore_cert_errors=True)) == (True, False)
    assert Upstream.of(Settings()) is None
