"""Towards the services: found where they are, connections that stay, a request executed once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.names import API, SITE

from .authority import Authority
from .client import Client, exchange
from .names import naming
from .proxy import Proxy, running
from .services import serving


def test_connections_to_the_replicas_stay_open(visitor: Client, ubuntu: Proxy) -> None:
    replicas = [ubuntu.services["core-api-1"], ubuntu.services["core-api-2"]]
    with visitor.connected(API) as connection:
        for _ in range(4):
            exchange(connection, API, "/api/v1/x")
        before = sum(one.connections for one in replicas)
        for _ in range(16):
            assert exchange(connection, API, "/api/v1/x").status == 200
    assert sum(one.connections for one in replicas) == before


def test_a_question_is_asked_of_the_other_replica_and_an_order_is_not(
    visitor: Client, ubuntu: Proxy
) -> None:
    def times(path: str) -> int:
        return sum(seen["path"] == path for one in ubuntu.services.values() for seen in one.seen)

    assert visitor.ask(API, "/api/v1/question", X_Do="close").status == 502
    assert visitor.ask(API, "/api/v1/order", "POST", b"{}", X_Do="close").status == 502
    assert (times("/api/v1/question"), times("/api/v1/order")) == (2, 1)


@contextmanager
def finding(
    authority: Authority, addresses: dict[str, list[str]], places: dict[str, str]
) -> Iterator[Proxy]:
    """The application's proxy, which asks for the addresses of the services in ``places``."""
    with naming(addresses) as resolver:
        engine = {"../wishwithme/snippets/http.conf": {"127.0.0.11": resolver}}
        with running("ubuntu", authority, {}, engine, elsewhere=places) as proxy:
            yield proxy


def test_a_service_at_another_address_is_found_without_a_reload(
    authority: Authority, stranger: Callable[[Proxy], Client]
) -> None:
    addresses = {"frontend": ["127.0.0.2"]}
    heard = threading.Event()
    with serving("before", heard, ("127.0.0.2", 0)) as before:
        port = before.server_port
        with (
            serving("after", heard, ("127.0.0.3", port)),
            finding(authority, addresses, {"frontend": f"frontend:{port}"}) as proxy,
        ):
            client = stranger(proxy)
            end = time.monotonic() + 10
            # It asks for the address when it starts, and knows nobody until the answer is there.
            while (served := client.ask(SITE, "/")).status == 502:
                assert time.monotonic() < end
                time.sleep(0.1)
            assert (served.status, served.one("x-served-by")) == (200, "before")
            addresses["frontend"] = ["127.0.0.3"]
            end = time.monotonic() + 10
            while (served := client.ask(SITE, "/")).one("x-served-by") == "before":
                assert (served.status, time.monotonic() < end) == (200, True)
                time.sleep(0.1)
            assert (served.status, served.one("x-served-by")) == (200, "after")


def test_a_proxy_starts_while_a_service_has_no_address(
    authority: Authority, stranger: Callable[[Proxy], Client]
) -> None:
    with finding(authority, {}, {"core-api": "core-api:8000"}) as proxy:
        client = stranger(proxy)
        assert [client.ask(API, "/api/v1/x").status, client.ask(SITE, "/").status] == [502, 200]


def test_a_services_name_stands_for_all_its_replicas(
    authority: Authority, stranger: Callable[[Proxy], Client]
) -> None:
    addresses = {"core-api": ["127.0.0.2", "127.0.0.3"]}
    heard = threading.Event()

    def asked(client: Client, until: set[str]) -> None:
        """Until the last answers came from exactly these."""
        end = time.monotonic() + 10
        while True:
            answers = [client.ask(API, "/api/v1/x") for _ in range(4)]
            told = {one.one("x-served-by") for one in answers if one.status == 200}
            if told == until and {one.status for one in answers} == {200}:
                return
            assert time.monotonic() < end, told
            time.sleep(0.5)

    with serving("one", heard, ("127.0.0.2", 0)) as one:
        port = one.server_port
        with (
            serving("other", heard, ("127.0.0.3", port)),
            finding(authority, addresses, {"core-api": f"core-api:{port}"}) as proxy,
        ):
            asked(stranger(proxy), until={"one", "other"})
            addresses["core-api"] = ["127.0.0.3"]
            asked(stranger(proxy), until={"other"})
