"""TLS as Mozilla recommends it, by the word of a judge that this project did not write."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from nassl.ssl_client import OpenSslVerifyEnum, OpenSslVersionEnum, SslClient

from tests.names import API, SITE

from .authority import Authority
from .client import Client
from .judge import complaints_of_sslyze
from .proxy import Proxy, running


@pytest.mark.parametrize(("server", "port"), [("ubuntu", 443), ("montreal", 8001)])
def test_sslyze_calls_it_compliant(server: str, port: int, request: pytest.FixtureRequest) -> None:
    proxy: Proxy = request.getfixturevalue(server)
    assert complaints_of_sslyze(SITE, proxy.ports[port], proxy.authority.file) == []


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1")]
)
def test_http_2_is_spoken_with_whom_can(
    offered: list[str], chosen: str, visitor: Client, ubuntu: Proxy
) -> None:
    context = ssl.create_default_context(cafile=ubuntu.authority.file)
    context.set_alpn_protocols(offered)
    with (
        socket.create_connection(("127.0.0.1", ubuntu.ports[443]), 5) as raw,
        context.wrap_socket(raw, server_hostname=API) as stream,
    ):
        assert stream.selected_alpn_protocol() == chosen


def stapled(proxy: Proxy) -> bytes:
    """The word of the authority that comes with the certificate, if there is one."""
    with socket.create_connection(("127.0.0.1", proxy.ports[443]), 5) as raw:
        client = SslClient(
            ssl_version=OpenSslVersionEnum.TLSV1_2,
            underlying_socket=raw,
            ssl_verify=OpenSslVerifyEnum.NONE,
        )
        client.set_tlsext_host_name(SITE)
        client.set_tlsext_status_ocsp()
        client.do_handshake()
        told: bytes | None = client.get_tlsext_status_ocsp_resp()
        client.shutdown()
    return told or b""


def test_the_authoritys_word_that_a_certificate_is_good_comes_with_it(
    authority: Authority,
) -> None:
    with (
        answering() as (url, answers),
        running("ubuntu", authority, {}, responder=url) as proxy,
    ):
        answers.append(authority.good(proxy.certificates))
        deadline = time.monotonic() + 10
        while not stapled(proxy):
            assert time.monotonic() < deadline, proxy.error_log
            time.sleep(0.05)
        assert "stapling" not in proxy.error_log


def test_a_certificate_whose_authority_gives_none_is_served_all_the_same(ubuntu: Proxy) -> None:
    assert stapled(ubuntu) == b""
    assert '"ssl_stapling" ignored, no OCSP responder URL' in ubuntu.error_log


@contextmanager
def answering() -> Iterator[tuple[str, list[bytes]]]:
    """An authority's responder: its URL, and the one answer that it is to give."""
    answers: list[bytes] = []

    class Responder(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/ocsp-response")
            self.send_header("Content-Length", str(len(answers[0])))
            self.end_headers()
            self.wfile.write(answers[0])

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Responder) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", answers
        server.shutdown()
