"""The resolver's proxy: for its caller only, whatever it is given, however large."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.stack.files import compose

from .authority import Authority
from .client import Client
from .conftest import CALLER
from .proxy import Proxy, running

RESOLVE = "/resolver/v1/resolve"
LARGE = 32 * 1024


def test_the_caller_and_its_token_get_through(caller: Client) -> None:
    answer = caller.ask("127.0.0.1", RESOLVE, "POST", b"{}", Authorization="Bearer t")
    assert answer.status == 200
    assert answer.one("x-served-by").startswith("item-resolver-")
    assert (answer.json["authorization"], answer.json["x-forwarded-for"]) == (
        "Bearer t",
        caller.address,
    )


@pytest.mark.parametrize("path", ["/", "/healthz", "/link", RESOLVE])
def test_another_address_is_refused_before_the_service_hears_of_it(
    path: str, montreal: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    client = stranger(montreal)
    answer = client.on(8001).ask("127.0.0.1", path, Authorization="Bearer t")
    assert (answer.status, answer.json) == (403, {"detail": "this address may not call"})
    heard = [seen.get("x-real-ip") for one in montreal.services.values() for seen in one.seen]
    assert client.address not in heard


def test_before_the_deploy_has_said_who_may_call_nobody_may(authority: Authority) -> None:
    with running("montreal", authority, {}) as proxy:
        assert Client(proxy, CALLER, 8001).ask("127.0.0.1", "/healthz").status == 403


@pytest.mark.parametrize(
    ("path", "wanted", "status", "detail"),
    [
        (RESOLVE, {"Content_Length": str(LARGE + 1)}, 413, "this is too large"),
        ("/link", {"Content_Length": str((1 << 20) + 1)}, 413, "this is too large"),
        (RESOLVE, {"X_Do": "close"}, 502, "no resolver answers, try again"),
    ],
)
def test_what_it_refuses_it_says_as_the_resolver_would(
    path: str, wanted: dict[str, str], status: int, detail: str, caller: Client
) -> None:
    answer = caller.ask("127.0.0.1", path, "POST", **wanted)
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
        assert montreal.heard.wait(60), "the proxy keeps the body back until it is whole"
        connection.send(bytes(LARGE - LARGE // 2))
        assert connection.getresponse().status == 200


def test_its_own_health_is_inside_the_container_only(caller: Client) -> None:
    assert caller.on(80).ask("127.0.0.1", "/health").body == b"ok\n"
    assert caller.on(80).ask("127.0.0.1", "/healthz").status == 404


def measured(proxy: Proxy, port: int = 0, token: str = "t") -> subprocess.CompletedProcess[str]:
    """What the caller's own gate says of the link."""
    settings = {
        "ITEM_RESOLVER_URL": f"https://127.0.0.1:{port or proxy.ports[8001]}/",
        "ITEM_RESOLVER_TOKEN": token,
        "SSL_CERT_FILE": str(proxy.authority.file),
    }
    _, *words = compose("ubuntu")["x-deploy"]["core-api"]["link"]["command"]
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_gate_moves_a_megabyte_there_and_back_and_says_how_fast(montreal: Proxy) -> None:
    for one in montreal.services.values():
        one.seen.clear()
    done = measured(montreal)
    way = r"1 MB in [0-9.]+ s, [0-9.]+ MB/s"
    assert re.fullmatch(rf"https://127.0.0.1:\d+: there {way}; back {way}\n", done.stdout), done
    seen = [one for service in montreal.services.values() for one in service.seen]
    assert [(one["path"], one["body"], one["authorization"]) for one in seen] == [
        ("/healthz", 0, "Bearer t")
    ] * 2


def test_the_megabyte_is_for_the_bearer_of_the_token(caller: Client) -> None:
    """What the resolver says of the token is the answer."""
    body = bytes(1 << 20)
    taken = caller.ask("127.0.0.1", "/link", "POST", body, Authorization="Bearer t")
    assert (taken.status, len(taken.body)) == (200, 1 << 20)
    for name in ("strict-transport-security", "x-request-id", "cache-control"):
        taken.one(name)
    refused = caller.ask("127.0.0.1", "/link", "POST", body, Authorization="Bearer w", X_Do="401")
    assert (refused.status, len(refused.body) < 1000) == (401, True)
    assert caller.ask("127.0.0.1", "/bearer", "POST", body).status == 404


def test_a_link_that_is_not_there_is_one_line(montreal: Proxy) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        done = measured(montreal, nobody.getsockname()[1])
    assert done.returncode == 1
    assert re.fullmatch(
        r"https://127.0.0.1:\d+/healthz: \[Errno 111\] Connection refused\n", done.stderr
    ), done


def test_in_clear_it_is_reached_only_by_the_setting(
    authority: Authority, montreal: Proxy, caller: Client
) -> None:
    def plainly(proxy: Proxy) -> int:
        link = http.client.HTTPConnection("127.0.0.1", proxy.ports[8001], timeout=10)
        with closing(link):
            link.request("GET", "/healthz")
            return link.getresponse().status

    assert plainly(montreal) == 400
    allowed = {"allow.conf": f"allow {CALLER};\ndeny all;\n"}
    with running("montreal", authority, allowed, scheme="http") as proxy:
        assert plainly(proxy) == 200


def test_a_caller_that_asks_too_often_or_for_too_much_at_once_is_told_so(
    authority: Authority,
) -> None:
    few = {
        "resolver.conf": {
            "rate=200r/s": "rate=1r/m",
            "burst=400": "burst=4",
            "limit_conn at_once 256": "limit_conn at_once 1",
        }
    }
    allowed = {"allow.conf": f"allow {CALLER};\ndeny all;\n"}
    with running("montreal", authority, allowed, few) as proxy:
        client = Client(proxy, CALLER, 8001)
        with client.connected("127.0.0.1") as connection:
            connection.putrequest("POST", RESOLVE)
            connection.putheader("Content-Length", "2")
            connection.endheaders(b"{")
            assert proxy.heard.wait(5)
            answer = client.ask("127.0.0.1", RESOLVE)
            assert (answer.status, answer.json["detail"]) == (
                429,
                "too many requests, try again later",
            )
            connection.send(b"}")
            assert connection.getresponse().status == 200
        statuses = [client.ask("127.0.0.1", "/healthz").status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
