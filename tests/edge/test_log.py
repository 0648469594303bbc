"""One line of JSON per request, one id for it everywhere, and no secret in any log."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.names import API, SITE

from .client import Client
from .proxy import Proxy
from .test_headers import TOO_LARGE

SECRET = "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0"


def lines(ubuntu: Proxy, client: Client, count: int) -> list[dict[str, Any]]:
    """The lines of a client that asked so often; each is written after its answer."""
    deadline = time.monotonic() + 10
    while True:
        told = [json.loads(line) for line in ubuntu.access_log.rpartition("\n")[0].splitlines()]
        found = [line for line in told if line["client"] == client.address]
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count
            return found
        time.sleep(0.01)


def test_a_request_has_one_id_for_the_client_the_service_and_the_log(
    visitor: Client, ubuntu: Proxy
) -> None:
    answer = visitor.ask(API, "/api/v1/x", X_Request_ID="mine")
    (line,) = lines(ubuntu, visitor, 1)
    assert answer.one("x-request-id") == answer.json["x-request-id"] == line["request_id"]


def test_a_line_tells_who_asked_what_and_how_it_went(visitor: Client, ubuntu: Proxy) -> None:
    visitor.ask(API, "/api/v1/x?a=b", "POST", b"{}", User_Agent='a "b" \\ \n c'.replace("\n", "\t"))
    (line,) = lines(ubuntu, visitor, 1)
    replicas = {service.place for name, service in ubuntu.services.items() if "core-api" in name}
    assert line.pop("upstream") in replicas
    assert float(line.pop("seconds")) >= float(line["upstream_seconds"]) - 0.002
    assert float(line.pop("upstream_seconds")) >= float(line.pop("header_seconds"))
    assert line.pop("time").endswith("+00:00")
    assert int(line.pop("bytes")) > 0
    line.pop("request_id")
    assert line == {
        "client": visitor.address,
        "method": "POST",
        "host": API,
        "path": "/api/v1/x",
        "protocol": "HTTP/1.1",
        "status": "200",
        "upstream_status": "200",
        "to": "core-api",
        "side": "",
        "cache": "",
        "agent": 'a "b" \\ \t c',
    }


@pytest.mark.parametrize("host", [API, SITE])
def test_the_token_of_a_stream_is_in_no_log_whatever_happens(
    host: str, visitor: Client, ubuntu: Proxy
) -> None:
    path = f"/api/v1/events/stream?token={SECRET}"
    visitor.ask(host, path, X_Do="close")
    visitor.ask(host, path, X_Do="503")
    visitor.ask(host, path, "POST", Content_Length=TOO_LARGE)
    for _ in range(30):
        visitor.ask(host, path, Referer=f"https://{SITE}/?token={SECRET}")
    visitor.on(80).ask(host, path)
    statuses = {line["status"] for line in lines(ubuntu, visitor, 34)}
    assert statuses == {"502", "503", "413", "200", "429", "301"}
    assert SECRET not in ubuntu.access_log + ubuntu.error_log
