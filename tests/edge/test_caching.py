"""What may be kept, what the proxy keeps itself, and what travels compressed."""

from __future__ import annotations

import gzip

import pytest

from tests.names import API, SITE

from .client import Client
from .proxy import Proxy
from .services import FOR_EVER, MUCH


def asked(ubuntu: Proxy, path: str) -> int:
    """How often the frontend was asked for a path."""
    return [seen["path"] for seen in ubuntu.services["frontend"].seen].count(path)


def test_an_asset_is_fetched_once_and_kept_also_when_the_frontend_has_it_no_more(
    visitor: Client, ubuntu: Proxy
) -> None:
    path = "/assets/index-0badcafe.js"
    first = visitor.ask(SITE, path)
    again = visitor.ask(SITE, f"{path}?x=1", X_Do="404")
    assert (first.status, again.status, again.body) == (200, 200, first.body)
    assert again.one("cache-control") == FOR_EVER
    assert asked(ubuntu, path) == 1


def test_an_asset_that_is_missing_is_asked_for_again(visitor: Client, ubuntu: Proxy) -> None:
    path = "/assets/index-deadbeef.js"
    assert visitor.ask(SITE, path, X_Do="close").status == 502
    assert visitor.ask(SITE, path).status == 200


@pytest.mark.parametrize("path", ["/", "/index.html", "/sw.js", "/manifest.webmanifest"])
def test_all_else_of_the_page_is_the_frontends_word_each_time(
    path: str, visitor: Client, ubuntu: Proxy
) -> None:
    before = asked(ubuntu, path)
    for _ in range(2):
        assert visitor.ask(SITE, path).one("cache-control") == "no-cache"
    assert asked(ubuntu, path) == before + 2


def test_the_apis_answers_travel_compressed_where_a_client_can_read_that(visitor: Client) -> None:
    plain = visitor.ask(API, "/api/v1/x", X_Do="large")
    small = visitor.ask(API, "/api/v1/x", X_Do="large", Accept_Encoding="gzip")
    assert (plain.json, plain.all("content-encoding")) == (MUCH, [])
    assert small.one("content-encoding") == "gzip"
    assert gzip.decompress(small.body) == plain.body
    assert len(small.body) < len(plain.body) / 5
    assert small.all("vary") == plain.all("vary") == ["Accept-Encoding"]


def test_an_answer_that_holds_a_token_does_not(visitor: Client) -> None:
    answer = visitor.ask(API, "/api/v1/auth/login", X_Do="large", Accept_Encoding="gzip")
    assert answer.all("content-encoding") == []
