"""Both nginx of the page, one behind the other: one owner per header, one rule per path."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator

import pytest

from tests.names import API, SITE

from .authority import Authority
from .client import Client
from .frontend import PAGE, frontend
from .proxy import Proxy, running
from .services import FOR_EVER
from .test_headers import SITE_POLICY, owned

ASSET = "/assets/index-1a2b3c4d.js"
DAY = "public, max-age=86400"


@pytest.fixture(scope="module")
def page(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with (
        frontend(tmp_path_factory.mktemp("frontend")) as place,
        running("ubuntu", authority, {}, elsewhere={"frontend": place}) as proxy,
    ):
        yield proxy


@pytest.fixture
def reader(page: Proxy, stranger: Callable[[Proxy], Client]) -> Client:
    return stranger(page)


def policy(reader: Client) -> str:
    """The policy of the document, which only its own server knows."""
    return reader.ask(SITE, "/").one("content-security-policy")


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", "no-cache"),
        ("/index.html", "no-cache"),
        ("/lists/of/a/person", "no-cache"),
        ("/sw.js", "no-cache"),
        ("/config.json", "no-cache"),
        ("/icon.svg", DAY),
        ("/manifest.webmanifest", DAY),
        (ASSET, FOR_EVER),
    ],
)
def test_every_path_is_kept_as_long_as_it_may_be(path: str, kept: str, reader: Client) -> None:
    answer = reader.ask(SITE, path)
    assert answer.status == 200
    owned(answer, policy(reader), (kept,))


def test_the_page_may_ask_the_api_and_nobody_else(reader: Client) -> None:
    rules = dict(rule.split(" ", 1) for rule in policy(reader).split("; "))
    assert rules["connect-src"] == f"'self' https://{API}"
    assert rules["default-src"] == "'none'"


@pytest.mark.parametrize("path", ["/", "/sw.js", "/icon.svg"])
def test_what_has_not_changed_is_not_sent_again_and_keeps_its_headers(
    path: str, reader: Client
) -> None:
    first = reader.ask(SITE, path)
    again = reader.ask(SITE, path, If_None_Match=first.one("etag"))
    assert (again.status, again.body) == (304, b"")
    owned(again, policy(reader), (first.one("cache-control"),))


def test_an_asset_that_has_not_changed_is_not_sent_again_by_the_proxy_itself(
    reader: Client,
) -> None:
    first = reader.ask(SITE, ASSET)
    again = reader.ask(SITE, ASSET, If_None_Match=first.one("etag"))
    assert again.status == 304
    owned(again, policy(reader), (FOR_EVER,))


def test_an_asset_that_is_gone_is_kept_by_nobody(reader: Client) -> None:
    answer = reader.ask(SITE, "/assets/index-00000000.js")
    assert answer.status == 404
    owned(answer, SITE_POLICY, ("no-store",))


def test_each_client_gets_the_kept_asset_as_it_can_read_it(reader: Client) -> None:
    text = PAGE[ASSET.removeprefix("/")].encode()
    for _ in range(2):
        small = reader.ask(SITE, ASSET, Accept_Encoding="gzip")
        assert small.all("content-encoding") == ["gzip"]
        assert gzip.decompress(small.body) == text
        plain = reader.ask(SITE, ASSET)
        assert (plain.all("content-encoding"), plain.body) == ([], text)
