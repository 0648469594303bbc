"""Which names are served where, and what is on port 80."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable

import pytest

from tests.names import API, SITE, WWW

from .client import Client, exchange
from .proxy import Proxy


@pytest.mark.parametrize("host", [SITE, WWW, API])
@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/x?token=a%20b"])
def test_every_served_name_leads_to_https(host: str, path: str, visitor: Client) -> None:
    answer = visitor.on(80).ask(host, path)
    assert (answer.status, answer.one("location")) == (301, f"https://{host}{path}")


@pytest.mark.parametrize("host", [SITE, WWW, API])
def test_the_authority_finds_its_answer_and_nothing_beside_it(
    host: str, visitor: Client, ubuntu: Proxy
) -> None:
    ubuntu.write("acme/.well-known/acme-challenge/token-1", "token-1.thumb")
    answer = visitor.on(80).ask(host, "/.well-known/acme-challenge/token-1")
    assert (answer.status, answer.body) == (200, b"token-1.thumb")
    assert answer.one("content-type") == "text/plain"
    assert visitor.on(80).ask(host, "/.well-known/acme-challenge/other").status == 404
    assert visitor.on(80).ask(host, "/.well-known/acme-challenge/").status == 403


def test_the_authority_is_answered_for_a_name_that_is_not_served_yet(
    visitor: Client, ubuntu: Proxy
) -> None:
    """Its certificate is there before its gate is asked."""
    ubuntu.write("acme/.well-known/acme-challenge/token-3", "token-3.thumb")
    answer = visitor.on(80).ask("example.org", "/.well-known/acme-challenge/token-3")
    assert (answer.status, answer.body) == (200, b"token-3.thumb")
    for path in ("other", "", "token-3/x"):
        with pytest.raises(ConnectionResetError):
            visitor.on(80).ask("example.org", f"/.well-known/acme-challenge/{path}")


@pytest.mark.parametrize(
    "host", ["example.org", "176.106.144.182", f"{SITE}.example.org", "localhost"]
)
def test_another_name_gets_no_answer_at_all(host: str, visitor: Client) -> None:
    with pytest.raises(ConnectionResetError):
        visitor.on(80).ask(host, "/")


def test_the_containers_own_health_is_answered_on_its_own_address(visitor: Client) -> None:
    answer = visitor.on(80).ask("127.0.0.1", "/health")
    assert (answer.status, answer.body) == (200, b"ok\n")


def test_another_name_over_tls_is_told_that_it_is_wrong_here(visitor: Client) -> None:
    with visitor.connected(SITE) as connection:
        connection.request("GET", "/api/v1/x", headers={"Host": "example.org"})
        assert connection.getresponse().status == 421


def test_health_is_the_apis_and_not_the_proxys(visitor: Client) -> None:
    for host in (SITE, API):
        answer = visitor.ask(host, "/health")
        assert answer.json["path"] == "/live"
    assert visitor.ask(API, "/healthz").json["path"] == "/healthz"


@pytest.mark.parametrize("server", ["ubuntu", "montreal"])
def test_only_what_the_deploy_wrote_is_proved_and_only_inside(
    server: str, request: pytest.FixtureRequest, stranger: Callable[[Proxy], Client]
) -> None:
    proxy: Proxy = request.getfixturevalue(server)
    client = stranger(proxy).on(8090)
    assert client.ask("127.0.0.1", "/generation").status == 404
    proxy.write(
        "generation.conf",
        'location = /generation { default_type text/plain; return 200 "1a2b\\n"; }\n',
    )
    proxy.reload()
    assert client.ask("127.0.0.1", "/generation").body == b"1a2b\n"


def test_a_client_that_does_not_say_a_name_in_tls_gets_what_it_asks_for(
    visitor: Client, ubuntu: Proxy
) -> None:
    """So does the lab's plain door, and many a monitoring agent."""
    context = ssl.create_default_context(cafile=ubuntu.authority.file)
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", ubuntu.ports[443]), 5) as raw:
        connection = http.client.HTTPConnection(SITE)
        connection.sock = context.wrap_socket(raw)
        assert exchange(connection, SITE, "/").one("x-served-by") == "frontend"
