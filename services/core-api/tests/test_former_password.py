"""While the database's password is rotated, it takes the former one or the new one."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from app.backends import Backends
from app.settings import Settings

ROLE, TAKEN = "knocker", "the-one-that-is-taken"
RULES = f"""
COPY (SELECT 'local all {ROLE} scram-sha-256') TO PROGRAM
    'cat - pg_hba.conf >pg_hba.new && mv pg_hba.new pg_hba.conf'
"""


@pytest.fixture(scope="module")
def address(postgres: str) -> Iterator[str]:
    """The server's address without a user; a role there must show its password."""
    plain = postgres.replace("postgresql+asyncpg://", "postgresql://", 1)

    async def say(*statements: str) -> None:
        connection = await asyncpg.connect(plain)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    reload = "SELECT pg_reload_conf()"
    asyncio.run(say(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{TAKEN}'", RULES, reload))
    yield postgres
    asyncio.run(say(f"DROP ROLE {ROLE}"))


def settings(address: str, password: str, former: str = "") -> Settings:
    url = make_url(address).set(username=ROLE, password=password)
    return Settings(
        database_url=SecretStr(url.render_as_string(hide_password=False)),
        database_former_password=SecretStr(former),
    )


async def asked(of: Settings) -> str:
    backends = Backends.connect(of)
    try:
        async with backends.database.connect() as connection:
            return str(await connection.scalar(text("SELECT session_user")))
    finally:
        await backends.close()


@pytest.mark.parametrize(
    ("password", "former"), [(TAKEN, ""), (TAKEN, "another"), ("another", TAKEN)]
)
def test_either_opens_the_database(address: str, password: str, former: str) -> None:
    assert asyncio.run(asked(settings(address, password, former))) == ROLE


@pytest.mark.parametrize("former", ["", "a third"])
def test_where_neither_is_taken_it_is_refused(address: str, former: str) -> None:
    with pytest.raises(DBAPIError, match="password authentication failed") as caught:
        asyncio.run(asked(settings(address, "another", former)))
    assert "another" not in str(caught.value)
