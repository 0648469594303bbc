"""Asking from this machine with requests: what is sent, and what an answer becomes."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from fabfile.model.probe import Probe, Question
from fabfile.remote import outside
from fabfile.remote.http import BODY, TIMEOUT
from fabfile.remote.outside import addresses_of, ask_from_here

QUESTION = Question("site", "https://app.example/path", Probe())


class Wire:
    """What stands for the network: it remembers what is sent and answers as told."""

    def __init__(self) -> None:
        self.sent: list[tuple[requests.PreparedRequest, dict[str, Any]]] = []
        self.adapters: list[HTTPAdapter] = []
        self.authorities: list[str] = []
        self.status = 200
        self.body = b"hello"
        self.headers: dict[str, str] = {}
        self.error: Exception | None = None

    def send(
        self, adapter: HTTPAdapter, request: requests.PreparedRequest, **how: Any
    ) -> requests.Response:
        self.sent.append((request, how))
        self.adapters.append(adapter)
        self.authorities.append(Path(how["verify"]).read_text())
        if self.error:
            raise self.error
        response = requests.Response()
        response.status_code = self.status
        response.raw = HTTPResponse(io.BytesIO(self.body), preload_content=False)
        response.headers.update(self.headers)
        response.encoding = requests.utils.get_encoding_from_headers(response.headers)
        response.url = request.url or ""
        response.request = request
        return response


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()

    def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **how: Any) -> Any:
        return made.send(adapter, request, **how)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    return made


def test_an_answer_has_its_status_and_body(wire: Wire) -> None:
    (answer,) = ask_from_here([QUESTION], {}, None)
    assert (answer.status, answer.body, answer.error) == (200, "hello", "")


def test_a_redirect_is_an_answer_and_is_not_followed(wire: Wire) -> None:
    wire.status, wire.headers = 301, {"Location": "https://elsewhere.example/"}
    (answer,) = ask_from_here([QUESTION], {}, None)
    assert answer.status == 301
    assert len(wire.sent) == 1


def test_a_bearer_is_sent_where_a_probe_asks_for_one(wire: Wire) -> None:
    asked = [QUESTION, Question("deep", "https://app.example/deep", Probe(bearer="TOKEN"))]
    ask_from_here(asked, {"TOKEN": "t0ken"}, None)
    assert [request.headers.get("Authorization") for request, _ in wire.sent] == [
        None,
        "Bearer t0ken",
    ]


def test_every_question_has_a_deadline_and_checks_the_certificate(wire: Wire) -> None:
    ask_from_here([QUESTION], {}, None)
    _, how = wire.sent[0]
    assert how["timeout"] == TIMEOUT
    assert "BEGIN CERTIFICATE" in wire.authorities[0]


def test_a_self_made_certificate_is_trusted_besides_the_authorities(wire: Wire) -> None:
    ask_from_here([QUESTION], {}, None, "SELF MADE")
    assert wire.authorities[0].endswith("\nSELF MADE\n")
    assert "BEGIN CERTIFICATE" in wire.authorities[0]


def test_neither_a_proxy_nor_credentials_of_the_operator_are_used(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    ask_from_here([QUESTION], {}, None)
    assert not wire.sent[0][1]["proxies"]


def test_with_an_edge_it_is_dialled_instead_and_asked_for_the_name(wire: Wire) -> None:
    ask_from_here([QUESTION], {}, ("127.0.0.1", 8443))
    request, _ = wire.sent[0]
    adapter = wire.adapters[0]
    adapter.add_headers(request)
    pool: Any = adapter.get_connection_with_tls_context(request, True)
    assert (pool.host, pool.port) == ("127.0.0.1", 8443)
    assert pool.assert_hostname == "app.example"
    assert request.headers["Host"] == "app.example"
    assert request.url == "https://app.example/path"


def test_a_question_with_a_place_is_asked_there_and_the_others_at_the_edge(wire: Wire) -> None:
    questions = [
        Question("api", "http://api.example/", Probe(), "10.0.0.1:80"),
        Question("v6", "https://v6.example/", Probe(), "fd00::1:443"),
        QUESTION,
    ]
    ask_from_here(questions, {}, ("127.0.0.1", 8443))
    pools: list[Any] = [
        adapter.get_connection_with_tls_context(request, True)
        for (request, _), adapter in zip(wire.sent, wire.adapters, strict=True)
    ]
    places = [("10.0.0.1", 80), ("fd00::1", 443), ("127.0.0.1", 8443)]
    assert [(pool.host, pool.port) for pool in pools] == places


def test_a_name_has_the_addresses_that_this_machine_finds() -> None:
    assert "127.0.0.1" in addresses_of("localhost")
    assert addresses_of("192.0.2.1") == {"192.0.2.1"}
    assert addresses_of("a" * 300) == frozenset()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.ConnectionError("refused"), "ConnectionError: refused"),
        (requests.exceptions.SSLError("certificate"), "SSLError: certificate"),
        (requests.Timeout("slow"), "Timeout: slow"),
    ],
)
def test_no_answer_says_why_in_one_line(wire: Wire, error: Exception, words: str) -> None:
    wire.error = error
    (answer,) = ask_from_here([QUESTION], {}, None)
    assert (answer.status, answer.error) == (0, words)


def test_the_innermost_cause_is_the_one_that_is_shown(wire: Wire) -> None:
    error = requests.ConnectionError("HTTPSConnectionPool(host='app.example'): Max retries")
    error.__cause__ = OSError("[Errno 111] Connection refused")
    wire.error = error
    (answer,) = ask_from_here([QUESTION], {}, None)
    assert answer.error == "ConnectionError: [Errno 111] Connection refused"


def test_a_body_is_read_as_utf_8_as_curls_is(wire: Wire) -> None:
    wire.body, wire.headers = "Grüße".encode(), {"Content-Type": "text/html"}
    (answer,) = ask_from_here([QUESTION], {}, None)
    assert answer.body == "Grüße"


def test_a_server_that_drips_is_given_up_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_drip, args=(listening,), daemon=True).start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        (answer,) = ask_from_here([Question("slow", address, Probe())], {}, None)
    assert answer.status == 0
    assert answer.error == "TimeoutError: no whole answer within 0.2 s"
    assert answer.seconds < 1


def _drip(listening: socket.socket) -> None:
    """Answer one request a byte at a time."""
    caller, _ = listening.accept()
    with caller, suppress(OSError):
        caller.recv(1000)
        caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
        for _ in range(50):
            caller.sendall(b"x")
            threading.Event().wait(0.05)


def test_a_long_body_is_cut(wire: Wire) -> None:
    wire.body = b"x" * (BODY + 10)
    (answer,) = ask_from_here([QUESTION], {}, None)
    assert len(answer.body) == BODY
