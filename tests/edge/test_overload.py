"""Somebody who wants to fill the memory: large bodies, slow ones, many at once, many headers."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.names import API, SITE, WWW

from .authority import Authority
from .client import Client, exchange
from .http2 import talking
from .proxy import Proxy, running

TEN_MEGABYTES = str(10 * 1024 * 1024)
OF_A_REQUEST = 32 * 1024
DEADLINE = 10.0
HTTP = "../wishwithme/snippets/http.conf"

Stranger = Callable[[Proxy], Client]


def spooled(proxy: Proxy) -> list[Path]:
    """What nginx has written to its temporary folders, files that have no name any more too."""
    kept = [file for file in (proxy.tree / "cache").glob("*_temp/**/*") if file.is_file()]
    assert proxy.process is not None
    family = Path(f"/proc/{proxy.process.pid}/task/{proxy.process.pid}/children").read_text()
    for worker in family.split():
        for link in Path(f"/proc/{worker}/fd").iterdir():
            try:
                opened_file = link.readlink()
            except OSError:
                continue
            kept += [opened_file] if "_temp/" in str(opened_file) else []
    return kept


def sent_slowly(connection: socket.socket, gap: float) -> bytes:
    """A byte after each gap, until the other side has had enough; what it said."""
    end = time.monotonic() + DEADLINE
    connection.settimeout(gap)
    said = b""
    while time.monotonic() < end:
        try:
            connection.send(b"x")
            got = connection.recv(4096)
            if not got:
                return said
            said += got
        except TimeoutError:
            continue
        except OSError:
            return said
    pytest.fail(f"the connection is still open after {DEADLINE:.0f} s")


@contextmanager
def opened(client: Client, head: str) -> Iterator[socket.socket]:
    """A connection on which a request has begun."""
    with client.connected(API) as connection:
        connection.sock.sendall(head.encode())
        yield connection.sock


def post(host: str, path: str, *headers: str) -> str:
    return "\r\n".join((f"POST {path} HTTP/1.1", f"Host: {host}", *headers, "", ""))


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (SITE, "/"),
        (WWW, "/"),
        (SITE, "/assets/index-1a2b3c4d.js"),
        (SITE, "/health"),
        (SITE, "/api/v1/events/stream"),
        (API, "/health"),
        (API, "/healthz"),
        (API, "/api/v1/events/stream"),
    ],
)
def test_a_body_is_refused_where_nobody_needs_one(host: str, path: str, visitor: Client) -> None:
    assert visitor.ask(host, path, "POST", Content_Length=TEN_MEGABYTES).status == 413
    assert visitor.ask(host, path, "POST", Content_Length="2").status == 413
    with opened(visitor, post(host, path, "Transfer-Encoding: chunked")) as connection:
        connection.sendall(b"2\r\nab\r\n")
        assert connection.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize(
    ("port", "host", "path", "length", "status"),
    [
        (443, "example.org", "/", TEN_MEGABYTES, 421),
        (80, SITE, "/", "2000", 301),
        (80, SITE, "/", TEN_MEGABYTES, 413),
        (80, SITE, "/.well-known/acme-challenge/x", "2", 413),
    ],
)
def test_where_no_service_is_asked_a_body_is_not_waited_for(
    port: int, host: str, path: str, length: str, status: int, visitor: Client, ubuntu: Proxy
) -> None:
    with visitor.on(port).connected(SITE) as connection:
        answer = exchange(connection, host, path, "POST", Content_Length=length)
    assert answer.status == status
    assert spooled(ubuntu) == []


@pytest.mark.parametrize("host", [API, SITE])
def test_what_the_api_needs_is_let_through_and_a_byte_more_is_not(
    host: str, visitor: Client
) -> None:
    answer = visitor.ask(host, "/api/v1/x", "POST", bytes(OF_A_REQUEST))
    assert (answer.status, answer.json["body"]) == (200, OF_A_REQUEST)
    more = visitor.ask(host, "/api/v1/x", "POST", Content_Length=str(OF_A_REQUEST + 1))
    assert (more.status, more.json) == (413, {"detail": "this is too large"})


def test_thirty_slow_bodies_write_nothing_to_the_temporary_folders(
    ubuntu: Proxy, stranger: Stranger
) -> None:
    """The largest that is let through, all but its last byte, from clients that then do nothing."""
    head = post(API, "/api/v1/x", f"Content-Length: {OF_A_REQUEST}")
    begun = ubuntu.access_log.count("\n")
    with ExitStack() as stack:
        for _ in range(30):
            connection = stack.enter_context(opened(stranger(ubuntu), head))
            connection.sendall(bytes(OF_A_REQUEST - 1))
        assert stranger(ubuntu).ask(SITE, "/").status == 200
        assert spooled(ubuntu) == []
        assert ubuntu.access_log.count("\n") == begun + 1, "the bodies were not waited for"


def test_an_answer_that_nobody_reads_writes_nothing_to_the_temporary_folders(
    ubuntu: Proxy, visitor: Client
) -> None:
    with visitor.connected(SITE) as connection:
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.request("GET", "/", headers={"Host": SITE, "X-Do": "endless"})
        assert connection.getresponse().status == 200
        frontend = ubuntu.services["frontend"]
        assert frontend.stuck.wait(DEADLINE), "the proxy takes all that it is given"
        assert spooled(ubuntu) == []


def impatient(authority: Authority, **times: str) -> dict[str, dict[str, str]]:
    """Edits that make a time of the proxy short."""
    said = Path(__file__).resolve().parents[2].joinpath("nginx/snippets/http.conf").read_text()
    changes = {}
    for name, short in times.items():
        (line,) = [one for one in said.splitlines() if one.startswith(f"{name} ")]
        changes[line] = f"{name} {short};"
    return {HTTP: changes}


def test_whoever_sends_a_byte_of_a_body_now_and_then_is_ended(
    authority: Authority, stranger: Stranger
) -> None:
    edits = impatient(authority, client_body_timeout="300ms")
    with running("ubuntu", authority, {}, edits) as proxy:
        head = post(API, "/api/v1/x", "Content-Length: 30000")
        with opened(stranger(proxy), head) as connection:
            sent_slowly(connection, 1)
        assert '"status":"408"' in proxy.access_log


def test_whoever_sends_a_byte_of_a_header_now_and_then_is_ended_however_steadily(
    authority: Authority, stranger: Stranger
) -> None:
    """Unlike that of a body, this time is for the whole."""
    edits = impatient(authority, client_header_timeout="1s")
    with (
        running("ubuntu", authority, {}, edits) as proxy,
        opened(stranger(proxy), f"GET / HTTP/1.1\r\nHost: {SITE}\r\nX-Slow: ") as connection,
    ):
        assert sent_slowly(connection, 0.1) == b""


@contextmanager
def hanging(client: Client, host: str, path: str, count: int) -> Iterator[None]:
    """So many requests that are being worked on, until the end of the block."""
    with ExitStack() as stack:
        seen = sum(len(one.seen) for one in client.proxy.services.values())
        for _ in range(count):
            connection = stack.enter_context(client.connected(host))
            connection.request("GET", path, headers={"Host": host, "X-Do": "hang"})
        end = time.monotonic() + DEADLINE
        while sum(len(one.seen) for one in client.proxy.services.values()) < seen + count:
            assert time.monotonic() < end, "the requests do not arrive"
            time.sleep(0.01)
        yield


FEW = {
    "site.conf": {"limit_conn at_once 128;": "limit_conn at_once 3;"},
    "api.conf": {"limit_conn at_once 128;": "limit_conn at_once 3;"},
    "api-locations.conf": {"limit_conn streams 256;": "limit_conn streams 2;"},
}


def test_of_many_requests_at_once_one_client_has_so_many_and_another_has_its_own(
    authority: Authority, stranger: Stranger
) -> None:
    with running("ubuntu", authority, {}, FEW) as proxy:
        one, other = stranger(proxy), stranger(proxy)
        with hanging(one, SITE, "/x", 3):
            assert one.ask(SITE, "/").status == 429
            assert one.ask(API, "/api/v1/x").json == {
                "detail": "too many requests, try again later"
            }
            assert other.ask(SITE, "/").status == 200
            with hanging(one, API, "/api/v1/events/stream", 2):
                assert one.ask(API, "/api/v1/events/stream").status == 429
                assert other.ask(API, "/api/v1/events/stream").status == 200


def test_pages_are_limited_too(authority: Authority, stranger: Stranger) -> None:
    edits = {
        "limits.conf": {"rate=100r/s;": "rate=1r/m;"},
        "site.conf": {"zone=pages burst=400 nodelay;": "zone=pages burst=4 nodelay;"},
    }
    with running("ubuntu", authority, {}, edits) as proxy:
        client = stranger(proxy)
        with client.connected(SITE) as connection:
            paths = ["/", "/config.json", "/assets/a.js", "/sw.js", "/", "/", "/assets/b.js"]
            asked = [exchange(connection, SITE, path).status for path in paths]
        assert asked == [200] * 5 + [429] * 2
        assert client.ask(API, "/api/v1/x").status == 200


def test_a_browser_that_opens_all_streams_that_it_may_is_refused_nothing(visitor: Client) -> None:
    """Sixty-four on the connection to the page, all at once: the number that the proxy tells it."""
    with talking(visitor, SITE) as talk:
        assert talk.streams_at_once() == 64
        for _ in range(64):
            talk.ask(SITE, "/assets/index-1a2b3c4d.js")
        assert talk.answered(64) == ["200"] * 64


def test_a_thousand_streams_that_are_reset_at_once_end_their_connection(
    visitor: Client, ubuntu: Proxy, stranger: Stranger
) -> None:
    with talking(visitor, SITE) as talk:
        assert talk.reset_until_ended(SITE, 5000) <= 1100
    assert stranger(ubuntu).ask(SITE, "/").status == 200


@pytest.mark.parametrize(("lines", "status"), [(80, 200), (101, 400)])
def test_of_headers_so_many_are_read_and_no_more(lines: int, status: int, visitor: Client) -> None:
    many = {f"X_{number}": "y" for number in range(lines)}
    assert visitor.ask(SITE, "/", **many).status == status


def test_what_is_refused_for_its_size_leaves_no_token_in_a_log(
    ubuntu: Proxy, visitor: Client
) -> None:
    stream = "/api/v1/events/stream?token=of-somebody"
    assert visitor.ask(API, stream, "POST", Content_Length=TEN_MEGABYTES).status == 413
    assert "of-somebody" not in ubuntu.error_log + ubuntu.access_log
