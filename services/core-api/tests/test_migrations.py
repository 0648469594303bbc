"""The schema's history, walked on a real PostgreSQL."""

import asyncio
import subprocess
import sys
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.conftest import SERVICE, alembic


def query(address: str, statement: str, *, autocommit: bool = False) -> list[str]:
    """The first column of what a statement answers."""

    async def ask() -> list[str]:
        engine = create_async_engine(address)
        try:
            async with engine.connect() as connection:
                if autocommit:
                    await connection.execution_options(isolation_level="AUTOCOMMIT")
                answer = await connection.execute(text(statement))
                return [str(row[0]) for row in answer] if answer.returns_rows else []
        finally:
            await engine.dispose()

    return asyncio.run(ask())


@pytest.fixture
def empty_database(postgres: str) -> str:
    """The address of a database without a table."""
    name = f"test_{uuid4().hex}"
    query(postgres, f"CREATE DATABASE {name}", autocommit=True)
    return postgres.replace("/postgres?", f"/{name}?", 1)


TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"


def test_the_models_and_the_migrations_agree(database_url: str) -> None:
    done = alembic(database_url, "check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_revision_goes_up_and_down_again(empty_database: str) -> None:
    assert alembic(empty_database, "upgrade", "head").returncode == 0
    assert query(empty_database, TABLES) == ["X"]
    assert alembic(empty_database, "downgrade", "base").returncode == 0
    assert query(empty_database, TABLES) == ["alembic_version"]


def test_a_second_upgrade_changes_nothing(empty_database: str) -> None:
    assert alembic(empty_database, "upgrade", "head").returncode == 0
    again = alembic(empty_database, "upgrade", "head")
    assert again.returncode == 0
    assert "Running upgrade" not in again.stderr


def test_two_upgrades_at_once_take_turns(empty_database: str) -> None:
    words = [sys.executable, "-m", "alembic", "upgrade", "head"]
    environment = {"DATABASE_URL": empty_database, "JWT_SECRET_KEY": "k" * 32}
    runs = [
        subprocess.Popen(words, cwd=SERVICE, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    logs = [run.communicate(timeout=60)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], logs
    assert sorted("Running upgrade" in log for log in logs) == [False, True]
