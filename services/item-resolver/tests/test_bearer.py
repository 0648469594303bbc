"""Who may ask, and what everybody else is told."""

import pytest
from fastapi.testclient import TestClient

from tests.conftest import AUTHORIZED, client_of


def test_the_right_token_is_answered(client: TestClient) -> None:
    answer = client.get("/healthz", headers=AUTHORIZED)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": AUTHORIZED["Authorization"] + "x"},
        {"Authorization": "Bearer \xe9"},
    ],
)
def test_everything_else_is_401(client: TestClient, headers: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    assert client.get("/healthz", headers=raw).status_code == 401


def test_a_server_without_a_token_lets_nobody_in() -> None:
    tokenless = client_of(ru_bearer_token="")
    assert tokenless.get("/healthz", headers=AUTHORIZED).status_code == 500
    assert tokenless.get("/healthz", headers={"Authorization": "Bearer "}).status_code == 500


def test_resolving_needs_the_token_too(client: TestClient) -> None:
    wanted = {"url": "https://wishwith.test/"}
    assert client.post("/resolver/v1/resolve", json=wanted).status_code == 401


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_nothing_is_shown_without_the_token(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_head_request_is_refused_so_probes_must_get(client: TestClient) -> None:
    assert client.head("/healthz", headers=AUTHORIZED).status_code == 405
