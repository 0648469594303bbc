"""Towards the services: connections that stay open, and a request that is executed once."""

from __future__ import annotations

from .client import Client, exchange
from .proxy import API, Proxy


def test_connections_to_the_twins_stay_open(visitor: Client, ubuntu: Proxy) -> None:
    twins = [ubuntu.services["core-api-1"], ubuntu.services["core-api-2"]]
    with visitor.connected(API) as connection:
        for _ in range(4):
            exchange(connection, API, "/api/v1/x")
        before = sum(twin.connections for twin in twins)
        for _ in range(16):
            assert exchange(connection, API, "/api/v1/x").status == 200
    assert sum(twin.connections for twin in twins) == before


def test_a_question_is_asked_of_the_other_twin_and_an_order_is_not(
    visitor: Client, ubuntu: Proxy
) -> None:
    def times(path: str) -> int:
        return sum(seen["path"] == path for twin in ubuntu.services.values() for seen in twin.seen)

    assert visitor.ask(API, "/api/v1/question", X_Do="close").status == 502
    assert visitor.ask(API, "/api/v1/order", "POST", b"{}", X_Do="close").status == 502
    assert (times("/api/v1/question"), times("/api/v1/order")) == (2, 1)
