"""TLS as Mozilla recommends it, by the word of a judge that this project did not write."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys

import pytest

from .client import Client
from .proxy import API, SITE, Proxy


@pytest.mark.parametrize(("server", "port"), [("ubuntu", 443), ("montreal", 8001)])
def test_sslyze_calls_it_compliant(server: str, port: int, request: pytest.FixtureRequest) -> None:
    proxy: Proxy = request.getfixturevalue(server)
    target = f"{SITE}:{proxy.ports[port]}{{127.0.0.1}}"
    words = [sys.executable, "-m", "sslyze", "--mozilla_config", "intermediate"]
    words += ["--certinfo_ca_file", str(proxy.authority.file), target]
    done = subprocess.run(
        words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=90, check=False
    )
    assert f"{SITE}:{proxy.ports[port]}: OK - Compliant." in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


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
