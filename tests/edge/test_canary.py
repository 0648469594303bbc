"""A share of the clients gets the new replicas: what a deploy writes, in a real proxy."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fabfile.remote.deploy.proxy import UPSTREAMS
from tests.names import API, SITE

from .authority import Authority
from .client import Client
from .conftest import CALLER
from .proxy import ROOT, Proxy, running

SHARE = 30
CLIENTS = 200
UBUNTU = f"/ {SHARE} 0; core-api core-api-1 / core-api-2; frontend frontend"
MONTREAL = f"/ {SHARE} 0; item-resolver item-resolver-1 / item-resolver-2"


def sided(proxy: Proxy, pins: str, *files: str) -> str:
    """These files as a deploy writes them, with the places of this machine for its names."""
    script = f"pins=$1\n{UPSTREAMS}\nsided"
    given = "".join(Path(ROOT, "nginx", file).read_text() for file in files)
    words = ["bash", "-c", script, "sided", pins]
    told = subprocess.run(words, input=given, text=True, stdout=subprocess.PIPE, check=True).stdout
    for name, service in proxy.services.items():
        told = re.sub(rf"server {name}:\d+", f"server {service.place}", told)
    return told


@contextmanager
def split(authority: Authority, waf_mode: str = "off", pins: str = UBUNTU) -> Iterator[Proxy]:
    """The application's proxy, which gives a share of the clients to the second replica."""
    with running("ubuntu", authority, {}, waf_mode=waf_mode) as proxy:
        files = ("ubuntu/upstreams.conf", f"waf/{waf_mode}/upstream.conf")
        proxy.write("upstreams.conf", sided(proxy, pins, *files))
        proxy.reload()
        yield proxy


@pytest.fixture(scope="module")
def ubuntu(authority: Authority) -> Iterator[Proxy]:
    with split(authority) as proxy:
        yield proxy


def by(client: Client, host: str, path: str, **headers: str) -> str:
    """Who answers a client."""
    answer = client.ask(host, path, **headers)
    assert answer.status == 200, answer
    return answer.one("x-served-by")


def lines(proxy: Proxy, address: str, count: int) -> list[dict[str, Any]]:
    """What the log says of a client who was answered so often."""
    end = time.monotonic() + 10
    while True:
        whole = proxy.access_log.rpartition("\n")[0].splitlines()
        found = [line for line in map(json.loads, whole) if line["client"] == address]
        if len(found) >= count or time.monotonic() > end:
            assert len(found) == count
            return found
        time.sleep(0.01)


def test_so_many_clients_get_the_new_ones_and_each_stays_where_it_is(ubuntu: Proxy) -> None:
    clients = [Client(ubuntu, f"127.9.{number}.7") for number in range(CLIENTS)]
    first = [by(client, API, "/api/v1/x") for client in clients]
    assert [by(client, API, "/api/v1/x") for client in clients] == first
    assert {*first} == {"core-api-1", "core-api-2"}
    # Five deviations of a share of 30 % of 200 are 32.
    assert abs(Counter(first)["core-api-2"] - CLIENTS * SHARE / 100) < 33


def test_a_client_has_one_side_for_all_that_it_asks(ubuntu: Proxy) -> None:
    """The API, its events, the page, and the health of the API."""
    seen = set()
    for number in range(30):
        client = Client(ubuntu, f"127.8.{number}.7")
        seen.add(
            (
                by(client, API, "/api/v1/x"),
                by(client, API, "/api/v1/events/stream"),
                by(client, SITE, "/health"),
                by(client, SITE, "/"),
            )
        )
    assert seen == {(one, one, one, "frontend") for one in ("core-api-1", "core-api-2")}


def test_the_log_names_the_side_and_what_was_asked(ubuntu: Proxy) -> None:
    sides = set()
    for number in range(12):
        client = Client(ubuntu, f"127.7.{number}.7")
        answered = by(client, API, "/api/v1/x")
        (line,) = lines(ubuntu, client.address, 1)
        assert float(line["header_seconds"]) >= 0
        sides.add((answered, line["side"], line["to"]))
    assert sides == {
        ("core-api-1", "-former", "core-api-former"),
        ("core-api-2", "-new", "core-api-new"),
    }


def test_behind_the_waf_a_client_has_the_side_of_its_own_address(authority: Authority) -> None:
    """And the log tells of what comes back from there, for as long as there are two sides."""
    with split(authority, "blocking") as proxy:
        streams, behind = {}, {}
        waf = Client(proxy, CALLER, 8091)
        for number in range(12):
            client = Client(proxy, f"127.6.{number}.7")
            streams[client.address] = by(client, API, "/api/v1/events/stream")
            behind[client.address] = by(waf, API, "/api/v1/x", X_Real_IP=client.address)
            _, line = lines(proxy, client.address, 2)
            assert line["to"] == f"core-api{line['side']}"
        assert streams == behind
        assert {*streams.values()} == {"core-api-1", "core-api-2"}


def test_at_rest_there_are_no_sides_and_what_comes_back_from_the_waf_is_in_no_log(
    authority: Authority,
) -> None:
    with running("ubuntu", authority, {}, waf_mode="blocking") as proxy:
        by(Client(proxy, CALLER, 8091), API, "/api/v1/x", X_Real_IP="127.6.1.7")
        client = Client(proxy, "127.6.2.7")
        by(client, API, "/api/v1/events/stream")
        (line,) = lines(proxy, client.address, 1)
        assert (line["side"], line["to"]) == ("", "core-api-events")
        assert "127.6.1.7" not in proxy.access_log


def test_the_resolvers_only_client_has_a_side_for_each_request(authority: Authority) -> None:
    allowed = {"allow.conf": f"allow {CALLER};\ndeny all;\n"}
    with running("montreal", authority, allowed) as proxy:
        proxy.write("upstreams.conf", sided(proxy, MONTREAL, "montreal/upstreams.conf"))
        proxy.reload()
        client = Client(proxy, CALLER, 8001)
        asked = Counter(by(client, SITE, "/resolve") for _ in range(CLIENTS))
    assert {*asked} == {"item-resolver-1", "item-resolver-2"}
    assert abs(asked["item-resolver-2"] - CLIENTS * SHARE / 100) < 33
