"""The resolver's proxy: for its caller only, whatever it is given, however large."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .authority import Authority
from .client import Client
from .conftest import CALLER
from .proxy import Proxy, running

RESOLVE = "/resolver/v1/resolve"
LARGE = 5 * 1024 * 1024


def test_the_caller_and_its_token_get_through(caller: Client) -> None:
    answer = caller.ask("127.0.0.1", RESOLVE, "POST", b"{}", Authorization="Bearer t")
    assert answer.status == 200
    assert answer.one("x-served-by").startswith("item-resolver-")
    assert (answer.json["authorization"], answer.json["x-forwarded-for"]) == (
        "Bearer t",
        caller.address,
    )


@pytest.mark.parametrize("path", ["/", "/healthz", RESOLVE])
def test_another_address_is_refused_before_the_service_hears_of_it(
    path: str, montreal: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    client = stranger(montreal)
    answer = client.on(8001).ask("127.0.0.1", path, Authorization="Bearer t")
    assert (answer.status, answer.json) == (403, {"detail": "this address may not call"})
    heard = [seen["x-real-ip"] for one in montreal.services.values() for seen in one.seen]
    assert client.address not in heard


def test_before_the_deploy_has_said_who_may_call_nobody_may(authority: Authority) -> None:
    with running("montreal", authority, {}) as proxy:
        assert Client(proxy, CALLER, 8001).ask("127.0.0.1", "/healthz").status == 403


@pytest.mark.parametrize(
    ("wanted", "status", "detail"),
    [
        ({"Content_Length": str(10 * 1024 * 1024 + 1)}, 413, "this is more than 10 MB"),
        ({"X_Do": "close"}, 502, "no resolver answers, try again"),
    ],
)
def test_what_it_refuses_it_says_as_the_resolver_would(
    wanted: dict[str, str], status: int, detail: str, caller: Client
) -> None:
    answer = caller.ask("127.0.0.1", RESOLVE, "POST", **wanted)
    assert (answer.status, answer.json) == (status, {"detail": detail})


def test_a_resolver_that_takes_too_long_is_told_as_such(authority: Authority) -> None:
    allowed = {"allow.conf": "allow 127.0.0.1;\n"}
    with running("montreal", authority, allowed, patience="100ms") as proxy:
        client = Client(proxy, CALLER, 8001)
        answer = client.ask("127.0.0.1", RESOLVE, "POST", b"{}", X_Do="hang")
    assert (answer.status, answer.json) == (504, {"detail": "the resolver takes too long"})


def test_a_large_body_reaches_the_resolver_while_it_is_sent(
    montreal: Proxy, caller: Client
) -> None:
    montreal.heard.clear()
    with caller.connected("127.0.0.1") as connection:
        connection.putrequest("POST", RESOLVE)
        connection.putheader("Content-Length", str(LARGE))
        connection.endheaders()
        connection.send(bytes(LARGE // 2))
        assert montreal.heard.wait(5), "the proxy keeps the body back until it is whole"
        connection.send(bytes(LARGE - LARGE // 2))
        assert connection.getresponse().status == 200


def test_its_own_health_is_inside_the_container_only(caller: Client) -> None:
    assert caller.on(80).ask("127.0.0.1", "/health").body == b"ok\n"
    assert caller.on(80).ask("127.0.0.1", "/healthz").status == 404
