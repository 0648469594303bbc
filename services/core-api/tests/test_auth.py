"""Registering, signing in, and being known."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
from fastapi.testclient import TestClient

from app.settings import Settings
from app.tokens import access_token, bearer_of
from tests.conftest import SIGNING_KEY
from tests.test_resolution import execute

PASSWORD = "correct horse battery staple"


@pytest.fixture
def address() -> str:
    return f"{uuid4().hex}@wishwith.test"


def register(client: TestClient, address: str) -> str:
    """The access token of a new user."""
    answer = client.post(
        "/api/v1/auth/register", json={"email": address, "password": PASSWORD, "name": "Ada"}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["access_token"]


def who(client: TestClient, token: str) -> tuple[int, str | None]:
    answer = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("email")


def test_whoever_registers_is_known_by_the_token(client: TestClient, address: str) -> None:
    assert who(client, register(client, address)) == (200, address)


def test_an_address_registers_once_whatever_its_case(client: TestClient, address: str) -> None:
    register(client, address)
    again = {"email": address.upper(), "password": PASSWORD, "name": "Eve"}
    assert client.post("/api/v1/auth/register", json=again).status_code == 409


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("jos\u00e9", "jose\u0301"),
        ("jose\u0301", "jos\u00e9"),
        ("JOS\u00c9", "jose\u0301"),
        ("\uff41da", "ada"),
        ("stra\u00dfe", "STRASSE"),
    ],
)
def test_of_addresses_that_look_alike_one_registers_and_signs_in_by_either(
    client: TestClient, address: str, first: str, second: str
) -> None:
    register(client, first + address)
    credentials = {"email": second + address, "password": PASSWORD}
    again = client.post("/api/v1/auth/register", json=credentials | {"name": "Eve"})
    assert (again.status_code, again.json()) == (
        409,
        {"detail": "this address is already registered"},
    )
    assert client.post("/api/v1/auth/login", json=credentials).status_code == 200


def test_of_look_alikes_from_before_each_signs_in_to_their_own(
    client: TestClient, address: str, settings: Settings
) -> None:
    tokens = [register(client, f"{kind}{address}") for kind in ("a", "b")]
    emails = [f"{letter}{address}" for letter in ("jose\u0301", "jos\u00e9")]
    for kind, email, key in (("a", emails[0], emails[1]), ("b", emails[1], None)):
        as_before = "UPDATE users SET email = :email, email_key = :key WHERE email = :known"
        assert execute(settings, as_before, email=email, key=key, known=f"{kind}{address}") == 1
    for token, email in zip(tokens, emails, strict=True):
        assert who(client, token) == (200, email)
        answer = client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert who(client, answer.json()["access_token"]) == (200, email)


def test_the_right_password_signs_in(client: TestClient, address: str) -> None:
    register(client, address)
    answer = client.post("/api/v1/auth/login", json={"email": address, "password": PASSWORD})
    assert answer.status_code == 200
    assert who(client, answer.json()["access_token"]) == (200, address)


def test_a_wrong_password_and_an_unknown_address_get_one_answer(
    client: TestClient, address: str
) -> None:
    register(client, address)
    wrong = client.post("/api/v1/auth/login", json={"email": address, "password": "x" * 8})
    unknown = client.post("/api/v1/auth/login", json={"email": f"x{address}", "password": PASSWORD})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_no_token_and_a_forged_one_are_nobody(client: TestClient) -> None:
    assert client.get("/api/v1/auth/me").status_code == 401
    forged = access_token(uuid4(), "another-key-that-is-long-enough-to-sign")
    assert who(client, forged) == (401, None)


def test_a_token_ends_after_fifteen_minutes() -> None:
    user = uuid4()
    now = datetime.now(UTC)
    fresh = access_token(user, SIGNING_KEY, now - timedelta(minutes=14))
    stale = access_token(user, SIGNING_KEY, now - timedelta(minutes=16))
    assert bearer_of(fresh, SIGNING_KEY) == (user, (now + timedelta(minutes=1)).timestamp() // 1)
    with pytest.raises(jwt.ExpiredSignatureError):
        bearer_of(stale, SIGNING_KEY)
