"""Staying signed in."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import Settings
from tests.people import PASSWORD, Person


def refresh(person: Person, token: str) -> tuple[int, dict[str, str]]:
    answer = person.api.post("/auth/refresh", json={"refresh_token": token})
    return answer.status_code, answer.json()


def test_a_refresh_token_is_exchanged_for_tokens_that_work(person: Person) -> None:
    status, fresh = refresh(person, person.tokens["refresh_token"])
    assert (status, fresh["token_type"]) == (200, "bearer")
    header = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert person.api.get("/auth/me", headers=header).json()["email"] == person.email
    assert refresh(person, fresh["refresh_token"])[0] == 200


def test_a_used_refresh_token_is_refused(person: Person) -> None:
    assert refresh(person, person.tokens["refresh_token"])[0] == 200
    assert refresh(person, person.tokens["refresh_token"]) == (401, {"detail": "sign in again"})


def test_of_many_that_use_one_refresh_token_at_once_one_succeeds(person: Person) -> None:
    token = person.tokens["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda _: refresh(person, token)[0], range(8)))
    assert statuses == [200] + [401] * 7


def test_a_login_leaves_other_devices_signed_in(person: Person) -> None:
    credentials = {"email": person.email.upper(), "password": PASSWORD}
    assert person.api.post("/auth/login", json=credentials).status_code == 200
    assert refresh(person, person.tokens["refresh_token"])[0] == 200


def test_an_expired_refresh_token_is_refused(person: Person, settings: Settings) -> None:
    async def expire() -> None:
        engine = create_async_engine(settings.database_url.get_secret_value())
        async with engine.begin() as connection:
            await connection.execute(
                text(
                    "UPDATE refresh_tokens SET expires_at = now() FROM users"
                    " WHERE users.id = user_id AND users.email = :email"
                ),
                {"email": person.email},
            )
        await engine.dispose()

    asyncio.run(expire())
    assert refresh(person, person.tokens["refresh_token"])[0] == 401
