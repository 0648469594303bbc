"""Events pass the moment they are sent, uncompressed, and one client stays with one replica."""

from __future__ import annotations

import time
from statistics import median

import pytest

from tests.names import API, SITE

from .client import Client
from .proxy import Proxy
from .services import BEAT, EVENTS

STREAM = "/api/v1/events/stream?token=a"


@pytest.mark.parametrize("host", [API, SITE])
def test_an_event_is_there_within_50_ms(host: str, visitor: Client) -> None:
    lags = []
    with visitor.connected(host) as connection:
        headers = {"X-Do": "stream", "Accept-Encoding": "gzip"}
        connection.request("GET", STREAM, headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.getheader("Content-Encoding") is None
        assert answer.getheader("Cache-Control") == "no-cache, no-transform"
        while line := answer.readline():
            if line.startswith(b"data: "):
                lags.append(time.monotonic() - float(line[6:]))
    assert len(lags) == EVENTS
    # All but what a busy machine holds up: a proxy that kept them back would delay every one.
    assert median(lags) < 0.05
    assert min(lags) < BEAT


def test_a_client_stays_with_one_replica(visitor: Client) -> None:
    replicas = {visitor.ask(API, STREAM).one("x-served-by") for _ in range(6)}
    assert len(replicas) == 1


def test_a_silent_stream_lives_for_a_day(ubuntu: Proxy) -> None:
    text = (ubuntu.tree / "etc/nginx/api-locations.conf").read_text()
    assert text.count("proxy_read_timeout 24h;") == 1
