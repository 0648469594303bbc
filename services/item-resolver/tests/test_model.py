"""A model that reads pages which name no product: asked when, asked what, and how far believed."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.conftest import TOKEN, Shop, client_of, resolve

KETTLE = {"title": "A red kettle", "price": "1 299,90 \u20bd", "currency": "RUB"}
READ = {"title": "A red kettle", "price": "1299.90", "currency": "RUB"}
PAGE = "<title>Shop</title><style>b{}</style><body><p>A red <b>kettle</b></p><script>x()</script>"


class Api(ThreadingHTTPServer):
    """Answers chat completions with what a test lays out."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Completion)
        self.status = 200
        self.said: Any = json.dumps(KETTLE)
        self.asked: list[tuple[str, str | None, dict[str, Any]]] = []
        self.held = threading.Event()
        self.held.set()
        self.endless = False
        self.sent = 0
        self.left = threading.Event()


class Completion(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        self.server.held.wait(20)
        if self.server.endless:
            self.go_on()
            return
        answer = json.dumps({"choices": [{"message": {"content": self.server.said}}]}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def go_on(self) -> None:
        """White space before an answer that never comes, until nobody wants it."""
        self.send_response(200)
        self.end_headers()
        try:
            while self.server.sent < 500_000_000:
                self.server.sent += self.wfile.write(b" " * 100_000)
        except OSError:
            self.server.left.set()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """A test's output is no access log."""


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.held.set()
    server.shutdown()
    server.server_close()


def read(shop: Shop, api: Api, page: str, **more: str) -> dict[str, str | None]:
    shop.pages["/page"] = page
    wanted = {"llm_mode": "live", "llm_api_key": "key", "llm_model": "small", **more}
    client = client_of(
        ru_bearer_token=TOKEN,
        ssrf_allowlist_hosts="127.0.0.1",
        llm_base_url=f"http://127.0.0.1:{api.server_address[1]}/v1/",
        **wanted,
    )
    status, found = resolve(client, f"{shop.url}/page")
    assert status == 200
    return {name: found[name] for name in READ}


def test_a_page_that_names_no_product_is_read_by_the_model(shop: Shop, api: Api) -> None:
    assert read(shop, api, PAGE) == READ
    ((path, authorization, body),) = api.asked
    assert (path, authorization, body["model"]) == ("/v1/chat/completions", "Bearer key", "small")
    assert body["messages"][1] == {"role": "user", "content": "Shop A red kettle"}


def test_a_long_page_is_cut_and_no_key_is_sent_where_there_is_none(shop: Shop, api: Api) -> None:
    read(shop, api, PAGE, llm_max_chars="6", llm_api_key="")
    assert api.asked[0][1] is None
    assert api.asked[0][2]["messages"][1]["content"] == "Shop A"


@pytest.mark.parametrize(
    ("page", "more"),
    [
        (PAGE, {"llm_mode": "stub"}),
        ('<p itemscope itemtype="https://schema.org/Product"><b itemprop="name">Pot</b></p>', {}),
        ('<meta property="og:price:amount" content="5"><title>Pot</title>', {}),
    ],
)
def test_it_is_not_asked_about_a_page_that_says_it_itself(
    shop: Shop, api: Api, page: str, more: dict[str, str]
) -> None:
    assert read(shop, api, page, **more) != READ
    assert api.asked == []


NOTHING = {"title": "Shop", "price": None, "currency": None}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("{}", {}),
        ("[]", {}),
        ("no JSON", {}),
        (None, {}),
        ('{"title": {"a": 1}, "price": true, "currency": null}', {}),
        ('{"title": "A\\u202e\\u0007 pot", "price": -1}', {"title": "A pot"}),
        ('{"price": 12.5, "currency": "no money"}', {"price": "12.5"}),
        ('{"price": "' + "9" * 60 + '"}', {}),
    ],
)
def test_what_it_says_is_believed_as_little_as_a_page(
    shop: Shop, api: Api, said: str | None, found: dict[str, str]
) -> None:
    api.said = said
    assert read(shop, api, PAGE) == {**NOTHING, **found}


@pytest.mark.parametrize("status", [302, 401, 429, 500])
def test_an_answer_that_is_none_takes_nothing_away(shop: Shop, api: Api, status: int) -> None:
    api.status = status
    assert read(shop, api, PAGE) == NOTHING


def test_a_model_that_takes_too_long_takes_nothing_away(shop: Shop, api: Api) -> None:
    api.held.clear()
    assert read(shop, api, PAGE, llm_timeout_s="0.2") == NOTHING


def test_a_model_that_answers_without_end_is_left_and_not_kept(shop: Shop, api: Api) -> None:
    api.endless = True
    assert read(shop, api, PAGE, llm_timeout_s="60") == NOTHING
    assert api.left.wait(60)
    assert api.sent < 50_000_000
