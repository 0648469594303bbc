"""What the three health answers say, and when."""

import asyncio

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.main import create_app
from app.settings import Settings


def test_everything_well_is_200_and_names_each_check(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "healthy", "checks": {"database": "ok", "redis": "ok"}},
    )


def test_backends_away_is_503_and_says_unhealthy(lonely_client: TestClient) -> None:
    answer = lonely_client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unhealthy"
    assert set(answer.json()["checks"]) == {"database", "redis"}
    assert "ok" not in answer.json()["checks"].values()


def test_an_unhealthy_answer_holds_no_part_of_an_address(lonely_client: TestClient) -> None:
    body = lonely_client.get("/healthz").text
    assert "hidden-word" not in body
    assert "127.0.0.1" not in body


def test_live_does_not_ask_the_backends(lonely_client: TestClient) -> None:
    assert lonely_client.get("/live").status_code == 200


def test_ready_follows_the_database(client: TestClient, lonely_client: TestClient) -> None:
    assert client.get("/ready").status_code == 200
    assert lonely_client.get("/ready").status_code == 503


def test_ready_says_no_once_the_process_is_to_stop(client: TestClient) -> None:
    client.app.state.stopping.set()
    assert client.get("/ready").status_code == 503
    assert client.get("/live").status_code == 200


def test_a_database_that_is_away_is_503_and_not_an_error(lonely_client: TestClient) -> None:
    credentials = {"email": "a@wishwith.test", "password": "x" * 8}
    answer = lonely_client.post("/api/v1/auth/login", json=credentials)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json() == {"detail": "the database does not answer, try again"}


def test_a_request_without_a_good_id_gets_one(client: TestClient) -> None:
    given = client.get("/live", headers={"X-Request-ID": 'no id at all"'})
    assert len(given.headers["X-Request-ID"]) == 32


def test_a_head_request_is_refused_so_probes_must_get(client: TestClient) -> None:
    assert client.head("/live").status_code == 405


def test_cors_allows_the_site_and_nobody_else(client: TestClient) -> None:
    header = "access-control-allow-origin"
    for site in ("https://app.example", "https://www.app.example"):
        assert client.get("/live", headers={"Origin": site}).headers.get_list(header) == [site]
    assert header not in client.get("/live", headers={"Origin": "https://elsewhere.test"}).headers


def test_a_pool_in_full_use_is_no_database_that_is_away(client: TestClient) -> None:
    database = client.app.state.backends.database

    async def take_all() -> list[AsyncConnection]:
        return [await database.connect() for _ in range(10)]

    async def give_back(held: list[AsyncConnection]) -> None:
        for connection in held:
            await connection.close()

    held = client.portal.call(take_all)
    try:
        assert database.pool.checkedout() == 10
        assert client.get("/healthz").json()["checks"] == {"database": "ok", "redis": "ok"}
    finally:
        client.portal.call(give_back, held)


def test_a_queue_for_the_database_opens_no_connection_anew(client: TestClient) -> None:
    database = client.app.state.backends.database

    async def ask() -> int:
        async with database.connect() as connection:
            return await connection.scalar(text("SELECT pg_backend_pid() FROM pg_sleep(0.01)"))

    async def rush() -> set[int]:
        rounds = [await asyncio.gather(*(ask() for _ in range(40))) for _ in range(5)]
        return {process for each in rounds for process in each}

    assert len(client.portal.call(rush)) == 10


@pytest.mark.parametrize(("debug", "status"), [(False, 404), (True, 200)])
def test_the_description_of_the_api_is_for_whoever_works_on_it(debug: bool, status: int) -> None:
    client = TestClient(create_app(Settings(debug=debug)))
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == status
