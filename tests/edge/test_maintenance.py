"""Maintenance: a page, or JSON that a page can read; whom it lets in is served as ever."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from fabfile.model.maintenance import FILE, Maintenance
from tests.names import API, PAGE, SITE
from tests.stack.files import compose

from .authority import Authority
from .client import Client
from .proxy import Proxy, running
from .test_refusals import PATHS, readable

FRIEND = "127.99.0.1"
TOKEN = "0123456789abcdef0123456789abcdef"
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def away(authority: Authority) -> Iterator[Proxy]:
    """A proxy in maintenance that ends in half an hour."""
    made = Maintenance("me", NOW, "a move", NOW + 1800, (FRIEND, "2001:db8::1"), TOKEN)
    shut = compose("ubuntu")["x-deploy"]["nginx"]["maintenance"].replace("$$", "$")
    with running("ubuntu", authority, {FILE: made.text(shut, NOW)}) as proxy:
        yield proxy


def test_visitors_get_a_page_that_says_when_to_come_back(
    away: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    answer = stranger(away).ask(SITE, "/wishlists/7")
    assert (answer.status, answer.one("retry-after")) == (503, "1800")
    assert answer.one("content-type") == "text/html"
    assert b"Please come back later." in answer.body
    assert answer.one("content-security-policy")


@pytest.mark.parametrize(("host", "path"), [*itertools.product([API, SITE], PATHS)])
def test_a_page_that_is_open_can_read_that_the_api_is_away(
    host: str, path: str, away: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    answer = stranger(away).ask(host, path, "POST", Origin=PAGE)
    readable(answer, 503, PAGE)
    assert answer.one("retry-after") == "1800"


def test_the_team_and_our_own_gates_are_served_as_ever(
    away: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    for client, headers in (
        (Client(away, FRIEND), {}),
        (stranger(away), {"X_Maintenance_Pass": TOKEN}),
    ):
        assert client.ask(SITE, "/", **headers).status == 200
        assert client.ask(API, "/healthz", **headers).status == 200
        assert client.ask(API, "/api/v1/wishlists", X_Do="404", **headers).status == 404
    for wrong in ("", "x", TOKEN[:-1], f"{TOKEN}0"):
        assert stranger(away).ask(SITE, "/", X_Maintenance_Pass=wrong).status == 503


def test_an_address_that_only_looks_like_one_that_is_let_in_is_not(away: Proxy) -> None:
    """``127.99.0.1`` as a pattern would match ``127.99.0.11`` and ``127.9900.1``."""
    for address in ("127.99.0.11", "127.99.1.1"):
        assert Client(away, address).ask(SITE, "/").status == 503


def test_an_empty_file_is_no_maintenance(
    authority: Authority, stranger: Callable[[Proxy], Client]
) -> None:
    with running("ubuntu", authority, {FILE: ""}) as proxy:
        assert stranger(proxy).ask(SITE, "/").status == 200
        answer = stranger(proxy).ask(SITE, "/", X_Do="close")
        assert (answer.status, answer.one("retry-after")) == (502, "5")
        assert b"Please try again in a few seconds." in answer.body
