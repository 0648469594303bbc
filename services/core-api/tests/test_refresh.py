"""Staying signed in."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from app import sessions
from app.settings import Settings
from app.tokens import digest
from tests.people import PASSWORD, Person
from tests.test_resolution import execute

THEIRS = "WHERE users.id = user_id AND users.email = :email"


def login(person: Person) -> dict[str, str]:
    """The tokens of another device of the same user."""
    answer = person.api.post(
        "/auth/login", json={"email": person.email.upper(), "password": PASSWORD}
    )
    assert answer.status_code == 200
    tokens: dict[str, str] = answer.json()
    return tokens


def change(settings: Settings, statement: str, person: Person, **values: str) -> None:
    assert execute(settings, statement, email=person.email, **values) == 1


def refresh(person: Person, token: str) -> tuple[int, dict[str, str]]:
    answer = person.api.post("/auth/refresh", json={"refresh_token": token})
    return answer.status_code, answer.json()


def test_a_refresh_token_is_exchanged_for_tokens_that_work(person: Person) -> None:
    status, fresh = refresh(person, person.tokens["refresh_token"])
    assert (status, fresh["token_type"]) == (200, "bearer")
    header = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert person.api.get("/auth/me", headers=header).json()["email"] == person.email
    assert refresh(person, fresh["refresh_token"])[0] == 200


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the minute in which an exchange may be repeated were over."""
    monkeypatch.setattr(sessions, "GRACE", timedelta(0))


@pytest.mark.usefixtures("no_grace")
def test_a_thief_who_uses_a_token_again_ends_the_session_for_both(person: Person) -> None:
    stolen = person.tokens["refresh_token"]
    status, fresh = refresh(person, stolen)
    assert status == 200
    assert refresh(person, stolen) == (401, {"detail": "sign in again"})
    assert refresh(person, fresh["refresh_token"])[0] == 401


@pytest.mark.usefixtures("no_grace")
def test_a_thief_who_is_first_is_thrown_out_when_the_owner_comes(person: Person) -> None:
    stolen = person.tokens["refresh_token"]
    gains = stolen
    for _ in range(3):
        status, found = refresh(person, gains)
        assert status == 200
        gains = found["refresh_token"]
    assert refresh(person, stolen)[0] == 401
    assert refresh(person, gains)[0] == 401


@pytest.mark.usefixtures("no_grace")
def test_a_session_that_ends_so_leaves_the_users_others_alone(person: Person) -> None:
    other = login(person)
    stolen = person.tokens["refresh_token"]
    assert [refresh(person, stolen)[0] for _ in range(2)] == [200, 401]
    assert refresh(person, other["refresh_token"])[0] == 200


def test_an_exchange_whose_answer_was_lost_may_be_repeated(person: Person) -> None:
    token = person.tokens["refresh_token"]
    lost, again = refresh(person, token)[1], refresh(person, token)[1]
    assert lost["refresh_token"] == again["refresh_token"] != token
    assert refresh(person, again["refresh_token"])[0] == 200


def test_tabs_that_use_one_refresh_token_at_once_stay_signed_in(
    person: Person, replicas: tuple[str, str]
) -> None:
    token = person.tokens["refresh_token"]

    def tab(number: int) -> tuple[int, dict[str, str]]:
        url = f"{replicas[number % 2]}/api/v1/auth/refresh"
        answer = httpx.post(url, json={"refresh_token": token}, timeout=20)
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(tab, range(8)))
    assert {status for status, _ in answers} == {200}
    (kept,) = {fresh["refresh_token"] for _, fresh in answers}
    assert refresh(person, kept)[0] == 200


def test_a_token_from_before_there_were_sessions_is_exchanged_for_one(
    person: Person, settings: Settings
) -> None:
    old = uuid4().hex
    as_before = "UPDATE refresh_tokens SET token_sha256 = :digest FROM users"
    change(settings, f"{as_before} {THEIRS}", person, digest=digest(old))
    status, fresh = refresh(person, old)
    assert status == 200
    assert refresh(person, fresh["refresh_token"])[0] == 200
    assert refresh(person, old)[0] == 401


def test_a_made_up_token_of_a_session_ends_it(person: Person) -> None:
    """Only who had a token knows the session's name."""
    token = person.tokens["refresh_token"]
    assert refresh(person, f"{token.partition('.')[0]}.made-up")[0] == 401
    assert refresh(person, token)[0] == 401


def test_signing_out_ends_this_session_alone(person: Person) -> None:
    other = login(person)
    body = {"refresh_token": person.tokens["refresh_token"]}
    assert [person.api.post("/auth/logout", json=body).status_code for _ in range(2)] == [204, 204]
    assert refresh(person, body["refresh_token"])[0] == 401
    assert refresh(person, other["refresh_token"])[0] == 200


def test_signing_out_everywhere_ends_every_session_of_the_user(
    person: Person, new_person: Callable[[], Person]
) -> None:
    somebody, other = new_person(), login(person)
    assert person.api.post("/auth/logout/everywhere").status_code == 204
    for token in (person.tokens["refresh_token"], other["refresh_token"]):
        assert refresh(person, token)[0] == 401
    assert refresh(somebody, somebody.tokens["refresh_token"])[0] == 200


def test_nobody_signs_others_out_everywhere(person: Person) -> None:
    assert (
        person.api.post("/auth/logout/everywhere", headers={"Authorization": ""}).status_code == 401
    )
    assert refresh(person, person.tokens["refresh_token"])[0] == 200


def test_a_login_leaves_other_devices_signed_in(person: Person) -> None:
    login(person)
    assert refresh(person, person.tokens["refresh_token"])[0] == 200


def test_an_expired_refresh_token_is_refused(person: Person, settings: Settings) -> None:
    change(settings, f"UPDATE refresh_tokens SET expires_at = now() FROM users {THEIRS}", person)
    assert refresh(person, person.tokens["refresh_token"])[0] == 401
