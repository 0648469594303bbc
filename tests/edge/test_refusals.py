"""What the proxy answers by itself: the page that asked can read it, as the API's own errors."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.names import API, PAGE, SITE, WWW
from tests.stack.files import compose

from .authority import Authority
from .client import Answer, Client
from .proxy import ROOT, Proxy, running
from .test_headers import TOO_LARGE, owned, raw

PAGES = [PAGE, f"https://{WWW}"]
STRANGERS = ["https://example.org", f"{PAGE}.example.org", f"http://{SITE}", "null"]
PATHS = ["/api/v1/wishlists", "/api/v1/auth/login", "/api/v1/events/stream"]
TOLD = {
    405: "this method is not for the API",
    413: "this is too large",
    429: "too many requests, try again later",
    431: "these headers are too large",
    501: "this transfer coding is not known here",
    502: "the application does not answer, try again",
    503: "the application is away, try again",
    504: "the application takes too long, try again",
}
CORS = re.compile("access-control-|vary")


def readable(answer: Answer, status: int, origin: str) -> None:
    """JSON like the API's own errors, and a page at ``origin`` may read all of it."""
    assert answer.status == status
    assert answer.one("content-type") == "application/json"
    assert answer.json == {"detail": TOLD[status]}
    assert answer.one("access-control-allow-origin") == origin
    assert answer.one("access-control-expose-headers") == "X-Request-ID, Retry-After"
    assert answer.all("vary") == ["Origin"]
    assert answer.all("access-control-allow-methods") == []


def too_many(client: Client, host: str, path: str, **headers: str) -> Answer:
    answers = (client.ask(host, path, **headers) for _ in range(99))
    return next(answer for answer in answers if answer.status == 429)


@pytest.mark.parametrize("origin", PAGES)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", [API, SITE])
def test_a_page_can_read_what_the_proxy_refuses(
    host: str, path: str, origin: str, visitor: Client
) -> None:
    large = visitor.ask(host, path, "POST", Content_Length=TOO_LARGE, Origin=origin)
    readable(large, 413, origin)
    readable(visitor.ask(host, path, X_Do="close", Origin=origin), 502, origin)
    readable(too_many(visitor, host, path, Origin=origin), 429, origin)


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        ("TRACE /", f"Host: {API}", 405),
        ("GET /", f"Host: {API}\r\nX-Large: {'a' * 8_300}", 431),
        ("POST /", f"Host: {API}\r\nTransfer-Encoding: zip", 501),
    ],
)
def test_a_page_can_read_what_is_refused_before_its_address_is_looked_at(
    line: str, headers: str, status: int, visitor: Client
) -> None:
    request = f"{line} HTTP/1.1\r\nOrigin: {PAGE}\r\n{headers}\r\nConnection: close\r\n\r\n"
    answer = raw(visitor, request.encode(), tls=True, host=API)
    readable(answer, status, PAGE)
    owned(answer)


@pytest.mark.parametrize("host", [API, SITE])
def test_a_page_can_read_that_the_api_takes_too_long(
    host: str, impatient: Proxy, stranger: Callable[[Proxy], Client]
) -> None:
    answer = stranger(impatient).ask(host, "/api/v1/x", "POST", X_Do="hang", Origin=PAGE)
    readable(answer, 504, PAGE)
    assert answer.one("retry-after") == "5"


def test_while_a_restore_holds_callers_a_page_can_read_that_the_api_is_away(
    authority: Authority, stranger: Callable[[Proxy], Client]
) -> None:
    """`hold.conf` says what x-deploy calls `hold`; pages are served on."""
    held = {"hold.conf": compose("ubuntu")["x-deploy"]["nginx"]["hold"]}
    with running("ubuntu", authority, held) as proxy:
        client = stranger(proxy)
        for host, path in itertools.product([API, SITE], PATHS):
            answer = client.ask(host, path, Origin=PAGE)
            readable(answer, 503, PAGE)
            assert answer.one("retry-after") == "5"
        assert client.ask(API, "/healthz").status == 503
        assert client.ask(SITE, "/").status == 200


@pytest.mark.parametrize(
    ("path", "seconds"), [("/api/v1/wishlists", "1"), ("/api/v1/auth/login", "12"), ("/", "1")]
)
def test_a_request_too_many_says_when_the_next_one_is_let_through(
    path: str, seconds: str, visitor: Client
) -> None:
    assert too_many(visitor, API, path).one("retry-after") == seconds


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_from_elsewhere_reads_nothing(origin: str, visitor: Client) -> None:
    answer = visitor.ask(API, "/api/v1/x", X_Do="close", Origin=origin)
    assert answer.status == 502
    assert answer.all("access-control-allow-origin") == []


@pytest.mark.parametrize("status", ["200", "404", "503"])
def test_cors_of_what_the_api_answers_is_the_apis_own(status: str, visitor: Client) -> None:
    answer = visitor.ask(API, "/api/v1/x", X_Do=status, Origin="https://example.org")
    assert [header for header in answer.headers if CORS.match(header[0])] == [
        ("access-control-allow-origin", "https://example.org"),
        ("vary", "Origin"),
    ]


def asks_first(client: Client, path: str, origin: str = PAGE, **headers: str) -> Answer:
    """What a browser sends before a request that carries a token."""
    return client.ask(
        API,
        path,
        "OPTIONS",
        Origin=origin,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="authorization,content-type",
        **headers,
    )


def granted(answer: Answer) -> None:
    assert (answer.status, answer.body) == (204, b"")
    assert answer.one("access-control-allow-origin") == PAGE
    assert answer.one("access-control-allow-methods") == "POST"
    assert answer.one("access-control-allow-headers") == "authorization,content-type"


@pytest.mark.parametrize("path", PATHS)
def test_a_page_may_ask_although_the_api_is_away_and_so_learns_of_it(
    path: str, visitor: Client
) -> None:
    granted(asks_first(visitor, path, X_Do="close"))
    readable(visitor.ask(API, path, "POST", X_Do="close", Origin=PAGE), 502, PAGE)


def test_a_page_from_elsewhere_may_not(visitor: Client) -> None:
    answer = asks_first(visitor, "/api/v1/x", "https://example.org", X_Do="close")
    assert answer.status == 502
    assert [name for name, _ in answer.headers if name.startswith("access-control-allow")] == []


def test_a_preflight_is_the_apis_to_answer_and_too_many_are_granted_without_it(
    visitor: Client, ubuntu: Proxy
) -> None:
    first = asks_first(visitor, "/api/v1/x")
    assert first.one("x-served-by").startswith("core-api-")
    answers = [asks_first(visitor, "/api/v1/x") for _ in range(40)]
    granted(next(answer for answer in answers if answer.status == 204))


def test_a_page_of_the_site_says_in_words_that_it_is_away(visitor: Client) -> None:
    answer = visitor.ask(SITE, "/lists", X_Do="close")
    assert (answer.status, answer.one("content-type")) == (502, "text/html")
    assert answer.one("retry-after") == "5"
    assert b"Wish With Me is away for a moment" in answer.body


def test_what_the_proxy_allows_and_shows_is_what_the_api_does() -> None:
    """Two owners of one rule: neither may change it alone."""
    app = Path(ROOT, "services/core-api/app")
    stack = compose("ubuntu")
    origins = stack["services"]["core-api"]["environment"]["CORS_ORIGINS"]
    names = stack["x-deploy"]["nginx"]["names"]["site"]
    assert origins.replace(":?set DOMAIN in .env", "").split(",") == [f"https://{n}" for n in names]
    (shown,) = re.findall(r"expose_headers=\[HEADER, (.+)\]", (app / "main.py").read_text())
    cors = Path(ROOT, "nginx/ubuntu/cors.conf").read_text()
    assert "\ninclude /etc/wishwithme/proxy/site-origin.conf;\n" in cors
    assert shown == '"Retry-After"'
