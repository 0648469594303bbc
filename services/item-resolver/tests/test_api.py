"""What a careless caller may send without breaking the service (schemathesis makes it up)."""

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from starlette.responses import JSONResponse

from app.main import create_app
from app.settings import Settings
from tests.conftest import AUTHORIZED, TOKEN

app = create_app(
    Settings.model_validate({"ru_bearer_token": TOKEN, "ru_fetcher_mode": "stub"}),
)
# The service shows its schema to nobody, so it is taken from inside.
app.router.add_route("/schema", lambda _: JSONResponse(app.openapi()))
schema = schemathesis.openapi.from_asgi("/schema", app)


@schema.parametrize()
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_that_is_sent_is_an_error_of_the_server(case: schemathesis.Case) -> None:
    case.call_and_validate(headers=AUTHORIZED, checks=[not_a_server_error])


@pytest.mark.parametrize(
    "letter", ["\x00", "\x1b", "\n", "\x7f", "\x9b", "\u202e", "\u2066", "\u2028"]
)
def test_an_address_that_steers_a_terminal_is_refused(letter: str) -> None:
    client = TestClient(app)
    wanted = {"url": f"https://shop.test/{letter}"}
    answer = client.post("/resolver/v1/resolve", json=wanted, headers=AUTHORIZED)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_description_of_the_api_is_shown_to_nobody(path: str) -> None:
    assert TestClient(app).get(path, headers=AUTHORIZED).status_code == 404
