"""The proxy with the WAF before its API: what goes through it, and what when it is away.

The rules themselves are asked in tests/lab.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.names import API, PAGE, SITE

from .authority import Authority
from .client import Client
from .proxy import Proxy, free_port, running

THROUGH = ["/api/v1/wishlists", "/api/v1/auth/login"]


@pytest.fixture(scope="module")
def blocking(authority: Authority) -> Iterator[Proxy]:
    with running("ubuntu", authority, {}, waf_mode="blocking") as proxy:
        yield proxy


def seen(proxy: Proxy) -> dict[str, int]:
    return {name: len(service.seen) for name, service in proxy.services.items() if service.seen}


@contextmanager
def without_waf(authority: Authority, mode: str) -> Iterator[Proxy]:
    nowhere = {"waf": f"127.0.0.1:{free_port()}"}
    with running("ubuntu", authority, {}, elsewhere=nowhere, waf_mode=mode) as proxy:
        yield proxy


@pytest.mark.parametrize("host", [API, SITE])
@pytest.mark.parametrize("path", THROUGH)
@pytest.mark.parametrize("mode", ["detection", "blocking"])
def test_the_api_is_asked_through_the_waf(
    mode: str, host: str, path: str, authority: Authority, stranger: Callable[[Proxy], Client]
) -> None:
    with running("ubuntu", authority, {}, waf_mode=mode) as proxy:
        assert stranger(proxy).ask(host, path).status == 200
        assert seen(proxy) == {"waf": 1}


def test_what_a_deploy_asks_goes_through_the_waf_too(
    blocking: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    assert stranger(blocking).ask(API, "/healthz").one("x-served-by") == "waf"


def test_streams_and_pages_pass_it_by(blocking: Proxy, stranger: Callable[[Proxy], Client]) -> None:
    client = stranger(blocking)
    streamed = client.ask(API, "/api/v1/events/stream", X_Do="stream")
    assert streamed.one("content-type") == "text/event-stream"
    before = seen(blocking).get("waf", 0)
    assert client.ask(API, "/api/v1/events/stream").one("x-served-by").startswith("core-api-")
    assert client.ask(SITE, "/").one("x-served-by") == "frontend"
    assert seen(blocking).get("waf", 0) == before


@pytest.mark.parametrize("path", THROUGH)
def test_a_page_can_read_what_the_waf_refuses(
    path: str, blocking: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    answer = stranger(blocking).ask(API, path, "POST", b"{}", X_Do="403", Origin=PAGE)
    assert (answer.status, answer.json) == (403, {"detail": "this looks like an attack"})
    assert answer.one("content-type") == "application/json"
    assert answer.one("access-control-allow-origin") == PAGE
    assert answer.one("x-frame-options") == "SAMEORIGIN"
    assert answer.one("cache-control") == "no-store"
    assert answer.all("x-accel-redirect") == []


def test_blocking_lets_nobody_pass_while_the_waf_is_away(
    authority: Authority, stranger: Callable[[Proxy], Client]
) -> None:
    with without_waf(authority, "blocking") as proxy:
        answer = stranger(proxy).ask(API, THROUGH[0], Origin=PAGE)
        assert (answer.status, answer.one("access-control-allow-origin")) == (502, PAGE)
        assert seen(proxy) == {}


def test_detection_passes_it_by_while_it_is_away(
    authority: Authority, stranger: Callable[[Proxy], Client]
) -> None:
    with without_waf(authority, "detection") as proxy:
        client = stranger(proxy)
        assert [client.ask(API, path, "POST", b"{}").status for path in THROUGH] == [200, 200]
        assert sum(seen(proxy).values()) == 2


def test_what_comes_back_from_it_is_as_the_client_asked(
    blocking: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    said = {"X_Real_IP": "203.0.113.9", "X_Forwarded_For": "203.0.113.9", "X_Request_ID": "a1"}
    answer = stranger(blocking).on(8091).ask(API, "/api/v1/x", X_Forwarded_Proto="https", **said)
    assert answer.one("x-served-by").startswith("core-api-")
    told = answer.json
    assert (told["x-real-ip"], told["x-forwarded-for"]) == ("203.0.113.9", "203.0.113.9")
    assert (told["x-forwarded-proto"], told["x-request-id"], told["host"]) == ("https", "a1", API)


def test_a_replica_that_does_not_answer_is_told_as_without_the_waf(
    blocking: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    answer = stranger(blocking).on(8091).ask(API, "/api/v1/x", X_Do="close", Origin=PAGE)
    detail = "the application does not answer, try again"
    assert (answer.status, answer.json) == (502, {"detail": detail})
    assert answer.one("access-control-allow-origin") == PAGE
