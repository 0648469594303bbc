"""The application with a token, and a web server on this machine for it to fetch from."""

import threading
from collections.abc import Iterator
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
REDIRECTS = {
    "/moved": "/plain",
    "/inside": "http://127.0.0.2:1/secret",
    "/circle": "/circle",
}


class Shop(BaseHTTPRequestHandler):
    """A few pages, a few redirects."""

    def do_GET(self) -> None:
        if self.path in REDIRECTS:
            self.send_response(302)
            self.send_header("Location", REDIRECTS[self.path])
            self.end_headers()
            return
        body = PAGES.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """A test's output is no access log."""


@pytest.fixture(scope="session")
def shop() -> Iterator[str]:
    """The address of a web server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def client_of(**settings: str) -> TestClient:
    """The application with these settings, as lower-case names."""
    return TestClient(create_app(Settings.model_validate(settings)))


@pytest.fixture
def client() -> TestClient:
    """The application as it is on a server: no private host is allowed."""
    return client_of(ru_bearer_token=TOKEN)


@pytest.fixture
def lenient_client() -> TestClient:
    """The application with this machine's own address allowed."""
    return client_of(ru_bearer_token=TOKEN, ssrf_allowlist_hosts="127.0.0.1")
