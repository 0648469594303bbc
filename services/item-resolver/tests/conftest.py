"""The application with a token, and web servers on this machine for it to fetch from."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings

TOKEN = "a-token-for-tests-of-no-worth-elsewhere"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}

PAGES = {
    "/plain": "<html><head><title>\n  A  plain\n  kettle </title></head></html>",
    "/shared": '<title>Shop</title><meta property="og:title" content="A red kettle">',
    "/untitled": "<html><body><p>Nothing here</p></body></html>",
}
REDIRECTS = {"/moved": "/plain", "/circle": "/circle", "/file": "file:///etc/passwd"}


class Shop(ThreadingHTTPServer):
    """A few pages and redirects; a test may add its own. Remembers what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.pages = dict(PAGES)
        self.redirects = dict(REDIRECTS)
        self.asked: list[str] = []
        self.cookies: list[str | None] = []
        self.names: list[str] = []
        self.held = threading.Event()

    @property
    def port(self) -> int:
        return self.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Answer(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.cookies.append(self.headers["Cookie"])
        self.server.names.append(self.headers["User-Agent"] or "")
        if self.path == "/held":
            self.server.held.wait(20)
        if self.path in self.server.redirects:
            self.send_response(302)
            self.send_header("Location", self.server.redirects[self.path])
            self.end_headers()
            return
        body = self.server.pages.get(self.path, "").encode("cp1251", "xmlcharrefreplace")
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=windows-1251")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "visited=yes")
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """A test's output is no access log."""


@contextmanager
def open_shop() -> Iterator[Shop]:
    server = Shop()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.held.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A web server on this machine that is allowed."""
    with open_shop() as server:
        yield server


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A web server on this machine that is not; its address is all that speaks against it."""
    with open_shop() as server:
        server.pages["/plain"] = "<title>A secret</title>"
        monkeypatch.setattr("app.guard.PORTS", frozenset({80, 443, server.port}))
        yield server


def client_of(**settings: str) -> TestClient:
    """The application with these settings, as lower-case names."""
    return TestClient(create_app(Settings.model_validate(settings)))


def resolve(client: TestClient, url: str) -> tuple[int, dict[str, str | None]]:
    answer = client.post("/resolver/v1/resolve", json={"url": url}, headers=AUTHORIZED)
    return answer.status_code, answer.json()


@pytest.fixture(scope="session")
def client() -> TestClient:
    """The application as it is on a server: no private host is allowed."""
    return client_of(ru_bearer_token=TOKEN)


@pytest.fixture
def lenient_client(shop: Shop) -> TestClient:
    """The application with the shop's host and port allowed."""
    return client_of(ru_bearer_token=TOKEN, ssrf_allowlist_hosts=f"127.0.0.1:{shop.port}")
