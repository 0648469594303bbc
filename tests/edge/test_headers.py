"""Every header that the proxy owns, exactly once, wherever it answers and whatever."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fabfile.model.deploy.page import stillborn
from fabfile.model.probe import Answer as Served
from tests.names import API, SITE, WWW

from .client import Answer, Client
from .proxy import Proxy
from .services import FOR_EVER, PAGE_POLICY

EVERYWHERE = {
    "x-frame-options": "SAMEORIGIN",
    "x-content-type-options": "nosniff",
    "x-xss-protection": "1; mode=block",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "server": "nginx",
}
OWN_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
SITE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:;"
    " font-src 'self' data:; connect-src 'self' https: wss:; object-src 'none'; base-uri 'self';"
    " form-action 'self'; frame-ancestors 'self'"
)
"""On a page of a service that names none."""
HSTS = "max-age=31536000; includeSubDomains"

API_PLACES = [
    (SITE, "/health"),
    (SITE, "/api/v1/wishlists"),
    (SITE, "/api/v1/auth/login"),
    (SITE, "/api/v1/events/stream"),
    (WWW, "/api/v1/wishlists"),
    (WWW, "/api/v1/auth/login"),
    (WWW, "/api/v1/events/stream"),
    (API, "/health"),
    (API, "/healthz"),
    (API, "/"),
    (API, "/api/v1/wishlists"),
    (API, "/api/v1/auth/login"),
    (API, "/api/v1/events/stream"),
]
PAGE_PLACES = [
    (SITE, "/"),
    (SITE, "/config.json"),
    (SITE, "/assets/index-1a2b3c4d.js"),
    (WWW, "/"),
]
PASSED = ["200", "304", "401", "404", "500", "503"]
"""Statuses of the services themselves."""
TOO_LARGE = str(10 * 1024 * 1024 + 1)

pages = pytest.mark.parametrize(("host", "path"), PAGE_PLACES)
apis = pytest.mark.parametrize(("host", "path"), API_PLACES)


def plainly_owned(answer: Answer) -> None:
    """What needs no TLS is there, each header exactly once."""
    assert {name: answer.all(name) for name in EVERYWHERE} == {
        name: [value] for name, value in EVERYWHERE.items()
    }


def owned(answer: Answer, policy: str = OWN_POLICY, kept: tuple[str, ...] = ("no-store",)) -> None:
    """The proxy's headers are there, each exactly once."""
    plainly_owned(answer)
    assert answer.all("content-security-policy") == [policy]
    assert answer.all("strict-transport-security") == [HSTS]
    assert answer.all("cache-control") == [*kept]
    assert len(answer.one("x-request-id")) == 32


@apis
@pytest.mark.parametrize("status", PASSED)
def test_on_what_the_api_answers(host: str, path: str, status: str, visitor: Client) -> None:
    answer = visitor.ask(host, path, X_Do=status)
    assert answer.status == int(status)
    assert answer.one("x-served-by").startswith("core-api-")
    owned(answer)


@pages
@pytest.mark.parametrize("status", PASSED)
def test_on_what_the_frontend_answers_beside_its_own(
    host: str, path: str, status: str, visitor: Client
) -> None:
    fresh = f"{path}?{status}" if "/assets/" not in path else f"{path}{status}"
    answer = visitor.ask(host, fresh, X_Do=status)
    assert answer.status == int(status)
    assert answer.one("x-served-by") == "frontend"
    owned(answer, PAGE_POLICY, (FOR_EVER if "/assets/" in path else "no-cache",))


def test_a_page_of_a_service_that_names_no_policy_lives_on_its_own_files(visitor: Client) -> None:
    answer = visitor.ask(SITE, "/", X_Do="page")
    assert answer.status == 200
    plainly_owned(answer)
    assert answer.all("content-security-policy") == [SITE_POLICY]
    served = Served(200, answer.body.decode(), headers={"content-security-policy": SITE_POLICY})
    assert stillborn(f"https://{SITE}/", served, ["script"]) == ""


@pytest.mark.parametrize(("host", "path"), API_PLACES + PAGE_PLACES)
def test_on_a_body_that_is_too_large(host: str, path: str, visitor: Client) -> None:
    answer = visitor.ask(host, path, "POST", Content_Length=TOO_LARGE)
    assert answer.status == 413
    owned(answer)


@apis
def test_on_a_request_too_many(host: str, path: str, visitor: Client) -> None:
    answer = next(
        filter(lambda one: one.status != 200, (visitor.ask(host, path) for _ in range(99)))
    )
    assert answer.status == 429
    owned(answer)


@pytest.mark.parametrize(("host", "path"), API_PLACES + PAGE_PLACES)
def test_on_a_service_that_gives_no_answer(host: str, path: str, visitor: Client) -> None:
    answer = visitor.ask(host, f"{path}.502", X_Do="close")
    assert answer.status == 502
    owned(answer)


@pytest.mark.parametrize(
    ("host", "path"), [place for place in API_PLACES + PAGE_PLACES if "/events/" not in place[1]]
)
def test_on_a_service_that_takes_too_long(
    host: str, path: str, impatient: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    answer = stranger(impatient).ask(host, path, "POST", X_Do="hang")
    assert answer.status == 504
    owned(answer)


def over_http2(visitor: Client) -> httpx.Client:
    """A client of a browser's protocol, which Python's own does not speak, on one connection."""
    transport = httpx.HTTPTransport(
        # A context of its own: it is told to ask for HTTP/2.
        verify=ssl.create_default_context(cafile=visitor.proxy.authority.file),
        http1=False,
        http2=True,
        local_address=visitor.address,
    )
    return httpx.Client(transport=transport)


def answered(browser: httpx.Client, visitor: Client, host: str, path: str, **more: Any) -> Answer:
    request = browser.build_request(
        more.pop("method", "GET"),
        f"https://127.0.0.1:{visitor.proxy.ports[443]}{path}",
        headers={"Host": host, **more.pop("headers", {})},
        extensions={"sni_hostname": host},
        **more,
    )
    answer = browser.send(request)
    assert answer.http_version == "HTTP/2"
    headers = tuple((name.lower(), value) for name, value in answer.headers.multi_items())
    return Answer(answer.status_code, headers, answer.content)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"headers": {"X-Do": "200"}}, 200),
        ({"headers": {"X-Do": "304"}}, 304),
        ({"headers": {"X-Do": "404"}}, 404),
        ({"method": "POST", "headers": {"Content-Length": TOO_LARGE}}, 413),
        ({"headers": {"X-Do": "close"}}, 502),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
@pytest.mark.parametrize(("host", "path"), [(API, "/api/v1/wishlists"), (API, "/healthz")])
def test_on_what_is_answered_over_http2(
    host: str, path: str, more: dict[str, Any], status: int, visitor: Client
) -> None:
    with over_http2(visitor) as browser:
        answer = answered(browser, visitor, host, path, **more)
    assert answer.status == status
    owned(answer)


@pytest.mark.parametrize("status", ["200", "304", "404"])
def test_on_the_page_over_http2(status: str, visitor: Client) -> None:
    with over_http2(visitor) as browser:
        answer = answered(browser, visitor, SITE, f"/{status}", headers={"X-Do": status})
    assert answer.status == int(status)
    owned(answer, PAGE_POLICY, ("no-cache",))


def test_on_a_request_too_many_over_http2(visitor: Client) -> None:
    with over_http2(visitor) as browser:
        told = (answered(browser, visitor, API, "/api/v1/wishlists") for _ in range(99))
        answer = next(one for one in told if one.status != 200)
    assert answer.status == 429
    owned(answer)


def test_on_what_is_asked_under_a_name_that_is_not_served(visitor: Client) -> None:
    with visitor.connected(SITE) as connection:
        connection.request("GET", "/", headers={"Host": "example.org"})
        answer = connection.getresponse()
        headers = tuple((name.lower(), value) for name, value in answer.getheaders())
        assert answer.status == 421
        owned(Answer(answer.status, headers, answer.read()))


def raw(visitor: Client, request: bytes, tls: bool, port: int = 443, host: str = SITE) -> Answer:
    """The answer to something that no client library would send."""
    place = ("127.0.0.1", visitor.proxy.ports[port])
    with socket.create_connection(place, 5, (visitor.address, 0)) as connection:
        context = visitor.proxy.authority.trusted
        stream = context.wrap_socket(connection, server_hostname=host) if tls else connection
        stream.sendall(request)
        told = b""
        while chunk := stream.recv(65536):
            told += chunk
    head, _, body = told.partition(b"\r\n\r\n")
    first, *lines = head.decode().splitlines()
    headers = tuple((name.lower(), value) for name, _, value in (x.partition(": ") for x in lines))
    return Answer(int(first.split()[1]), headers, body)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (f"GET / HTTP/1.1\r\nHost: {SITE}\r\nHost: {SITE}", 400),
        ("GET / HTTP/1.1", 400),
        ("nothing at all", 400),
        (f"TRACE / HTTP/1.1\r\nHost: {SITE}", 405),
        (f"GET /{'a' * 8_300} HTTP/1.1\r\nHost: {SITE}", 414),
        (f"POST /api/ HTTP/1.1\r\nHost: {SITE}\r\nTransfer-Encoding: zip", 501),
    ],
)
@pytest.mark.parametrize("host", [SITE, API])
def test_on_what_is_no_request(host: str, request_line: str, status: int, visitor: Client) -> None:
    request_line = request_line.replace(SITE, host)
    answer = raw(
        visitor, f"{request_line}\r\nConnection: close\r\n\r\n".encode(), tls=True, host=host
    )
    assert answer.status == status
    owned(answer)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [("GET / HTTP/1.1", 400), (f"GET /{'a' * 8_300} HTTP/1.1\r\nHost: {SITE}", 414)],
)
def test_on_what_is_no_request_in_clear(request_line: str, status: int, visitor: Client) -> None:
    request = f"{request_line}\r\nConnection: close\r\n\r\n".encode()
    answer = raw(visitor, request, tls=False, port=80)
    assert answer.status == status
    plainly_owned(answer)


def test_on_a_plain_request_to_the_port_of_tls(visitor: Client) -> None:
    answer = raw(visitor, b"GET / HTTP/1.0\r\n\r\n", tls=False)
    assert answer.status == 400
    plainly_owned(answer)


@pytest.mark.parametrize("host", [SITE, f"www.{SITE}", API])
def test_on_the_way_to_https_but_for_those_that_are_for_https_only(
    host: str, visitor: Client
) -> None:
    answer = visitor.on(80).ask(host, "/lists?a=b")
    assert (answer.status, answer.one("location")) == (301, f"https://{host}/lists?a=b")
    plainly_owned(answer)
    assert answer.one("content-security-policy") == OWN_POLICY
    assert answer.all("strict-transport-security") == answer.all("cache-control") == []


@pytest.mark.parametrize(("name", "status"), [("token-2", 200), ("none", 404), ("", 403)])
def test_on_what_the_authority_asks(name: str, status: int, visitor: Client, ubuntu: Proxy) -> None:
    ubuntu.write("acme/.well-known/acme-challenge/token-2", "token-2.thumb")
    answer = visitor.on(80).ask(SITE, f"/.well-known/acme-challenge/{name}")
    assert answer.status == status
    plainly_owned(answer)
    assert answer.one("content-security-policy") == OWN_POLICY


@pytest.mark.parametrize("path", ["/healthz", "/resolver/v1/resolve", "/link"])
def test_on_what_the_resolvers_proxy_refuses(
    path: str, montreal: Proxy, caller: Client, stranger: Callable[[Proxy], Client]
) -> None:
    large = caller.on(8001).ask("127.0.0.1", path, "POST", Content_Length=TOO_LARGE)
    other = stranger(montreal).on(8001).ask("127.0.0.1", path)
    assert (large.status, other.status) == (413, 403)
    owned(large)
    owned(other)


def test_on_what_the_link_cannot_be_asked_for(montreal: Proxy, caller: Client) -> None:
    """The resolver, which knows its token, does not answer."""
    answer = caller.on(8001).ask("127.0.0.1", "/link", X_Do="close")
    assert (answer.status, answer.json) == (500, {"detail": "no resolver answers, try again"})
    owned(answer)


@pytest.mark.parametrize("path", ["/healthz", "/resolver/v1/resolve"])
@pytest.mark.parametrize("status", ["200", "304", "401", "404", "502", "503"])
def test_on_what_the_resolver_answers(
    path: str, status: str, montreal: Proxy, caller: Client
) -> None:
    wanted = "close" if status == "502" else status
    answer = caller.on(8001).ask("127.0.0.1", path, X_Do=wanted)
    assert answer.status == int(status)
    owned(answer)
