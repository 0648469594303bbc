"""Requests per client: exactly as many as the architecture says, and nobody pays for another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from fabfile.model.deploy.proxy_files import believed
from tests.names import API, SITE

from .authority import Authority
from .client import Answer, Client, exchange
from .proxy import Proxy, running

SLOT = 0.1
"""Seconds after which the API lets one more request through."""
OTHERS = "127.0.0.0/8"
CDN = {"real-ip.conf": believed(("X-Forwarded-For", OTHERS))}

Stranger = Callable[[Proxy], Client]


def at_once(client: Client, host: str, path: str, count: int) -> list[Answer]:
    """That many requests on one connection, one after the other."""
    with client.connected(host) as connection:
        return [exchange(connection, host, path) for _ in range(count)]


def burst(clients: Iterator[Client], host: str, path: str, count: int) -> list[int]:
    """The statuses of a burst that was over before one more request was let through.

    On a busy machine a burst may take longer: then somebody new tries again.
    """
    return in_a_slot(
        lambda: [answer.status for answer in at_once(next(clients), host, path, count)]
    )


def in_a_slot(ask: Callable[[], list[int]]) -> list[int]:
    """The same of whatever asks, each time as somebody new."""
    while True:
        start = time.monotonic()
        statuses = ask()
        if time.monotonic() - start < SLOT:
            return statuses


@pytest.fixture
def visitors(ubuntu: Proxy, stranger: Stranger) -> Iterator[Client]:
    return iter(lambda: stranger(ubuntu), None)


@pytest.mark.parametrize("host", [API, SITE])
@pytest.mark.parametrize("path", ["/api/v1/wishlists", "/api/v1/events/stream"])
def test_of_a_burst_to_the_api_the_22nd_request_is_refused(
    host: str, path: str, visitors: Iterator[Client]
) -> None:
    assert burst(visitors, host, path, 23) == [200] * 21 + [429] * 2


@pytest.mark.parametrize("host", [API, SITE])
def test_of_a_burst_to_auth_the_7th_request_is_refused(host: str, visitor: Client) -> None:
    answers = at_once(visitor, host, "/api/v1/auth/login", 8)
    assert [answer.status for answer in answers] == [200] * 6 + [429] * 2


@pytest.mark.parametrize("path", ["me", "logout", "logout/everywhere"])
def test_what_an_open_page_asks_does_not_count_as_a_sign_in(path: str, visitor: Client) -> None:
    at_once(visitor, API, "/api/v1/auth/login", 7)
    answers = at_once(visitor, API, f"/api/v1/auth/{path}", 10)
    assert [answer.status for answer in answers] == [200] * 10


@pytest.mark.parametrize(
    "path",
    ["me/../login", "login?x=/api/v1/auth/me", "logout/../login", "me/", "%6cogin", "refresh"],
)
def test_no_other_form_of_an_address_gets_past_the_limit_of_signing_in(
    path: str, visitor: Client
) -> None:
    at_once(visitor, API, "/api/v1/auth/login", 7)
    assert visitor.ask(API, f"/api/v1/auth/{path}").status == 429


def test_both_names_count_together(visitor: Client) -> None:
    at_once(visitor, SITE, "/api/v1/auth/login", 6)
    assert visitor.ask(API, "/api/v1/auth/login").status == 429


def test_another_client_does_not_pay_for_it(ubuntu: Proxy, stranger: Stranger) -> None:
    one, other = stranger(ubuntu), stranger(ubuntu)
    at_once(one, API, "/api/v1/auth/login", 7)
    assert one.ask(API, "/api/v1/auth/login").status == 429
    assert other.ask(API, "/api/v1/auth/login").status == 200


def test_a_client_that_has_used_up_its_rate_still_sees_pages_and_health(visitor: Client) -> None:
    statuses = [answer.status for answer in at_once(visitor, API, "/api/v1/x", 60)]
    assert 429 in statuses
    assert visitor.ask(API, "/healthz").status == 200
    assert [answer.status for answer in at_once(visitor, SITE, "/", 60)] == [200] * 60


def test_what_a_browser_asks_before_a_request_does_not_count_as_one(visitor: Client) -> None:
    asks = {"Origin": f"https://{SITE}", "Access_Control_Request_Method": "POST"}
    for _ in range(6):
        assert visitor.ask(API, "/api/v1/auth/login", "OPTIONS", **asks).status == 200
        assert visitor.ask(API, "/api/v1/auth/login", "POST").status == 200
    assert visitor.ask(API, "/api/v1/auth/login", "POST").status == 429


def test_a_client_says_of_itself_whatever_it_likes_and_is_not_believed(visitor: Client) -> None:
    answers = [
        visitor.ask(
            API,
            "/api/v1/auth/login",
            X_Forwarded_For=f"198.51.100.{number}",
            X_Real_IP=f"198.51.100.{number}",
            Forwarded=f"for=198.51.100.{number}",
        )
        for number in range(7)
    ]
    assert [answer.status for answer in answers] == [200] * 6 + [429]
    told = answers[0].json
    assert (told["x-forwarded-for"], told["x-real-ip"]) == (visitor.address, visitor.address)
    assert "forwarded" not in told


def test_behind_a_cdn_a_client_is_who_the_cdn_says(
    authority: Authority, stranger: Stranger
) -> None:
    with running("ubuntu", authority, CDN) as proxy:
        edge = stranger(proxy)
        for client in ("198.51.100.1", "198.51.100.2"):
            answers = [
                edge.ask(
                    API, "/api/v1/auth/login", X_Forwarded_For=f"192.0.2.66, {client}, 127.9.9.9"
                )
                for _ in range(7)
            ]
            assert [answer.status for answer in answers] == [200] * 6 + [429]
            assert answers[0].json["x-forwarded-for"] == client
        others = iter(range(3, 255))

        def from_another() -> list[int]:
            said = {"X_Forwarded_For": f"198.51.100.{next(others)}"}
            with edge.connected(API) as connection:
                asked = [exchange(connection, API, "/api/v1/x", **said) for _ in range(23)]
            return [answer.status for answer in asked]

        assert in_a_slot(from_another) == [200] * 21 + [429] * 2
        assert '"client":"198.51.100.2"' in proxy.access_log
