"""The schema's history, walked on a real PostgreSQL."""

import asyncio
import subprocess
import sys
from itertools import pairwise
from uuid import uuid4

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.tokens import digest
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

OLD_ROWS = """
WITH person AS (
    INSERT INTO users (id, email, name, password_hash)
    VALUES (gen_random_uuid(), 'a@b.test', 'Ada', 'x') RETURNING id
), list AS (
    INSERT INTO wishlists (id, user_id, name)
    SELECT gen_random_uuid(), id, 'Birthday' FROM person RETURNING id
), token AS (
    INSERT INTO refresh_tokens (id, user_id, token, expires_at)
    SELECT gen_random_uuid(), id, 'kept', now() FROM person
)
INSERT INTO items (id, wishlist_id, title) SELECT gen_random_uuid(), id, 'Kite' FROM list
"""


def test_the_models_and_the_migrations_agree(database_url: str) -> None:
    done = alembic(database_url, "check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_history_is_one_line_of_eight() -> None:
    scripts = ScriptDirectory.from_config(Config(SERVICE / "alembic.ini"))
    history = [(made.revision, made.down_revision) for made in scripts.walk_revisions()]
    numbers = [f"{number:03}" for number in range(8, 0, -1)]
    assert history == [*pairwise(numbers), ("001", None)]


def test_every_revision_goes_up_and_as_far_down_as_it_can(empty_database: str) -> None:
    assert alembic(empty_database, "upgrade", "head").returncode == 0
    assert query(empty_database, TABLES) == [
        "alembic_version",
        "items",
        "outbox_events",
        "pgqueuer",
        "pgqueuer_log",
        "pgqueuer_schedules",
        "pgqueuer_statistics",
        "refresh_tokens",
        "users",
        "wishlists",
    ]
    # The fourth is irreversible: it says so, and everything stays as it is.
    refused = alembic(empty_database, "downgrade", "base")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("revision 004 is irreversible: ")
    assert query(empty_database, "SELECT version_num FROM alembic_version") == ["008"]
    assert alembic(empty_database, "downgrade", "004").returncode == 0
    down = ["alembic_version", "item_resolutions", "items", "refresh_tokens", "users", "wishlists"]
    assert query(empty_database, TABLES) == down
    assert alembic(empty_database, "upgrade", "head").returncode == 0


def test_what_stood_there_before_goes_with_the_schema(empty_database: str) -> None:
    assert alembic(empty_database, "upgrade", "003").returncode == 0
    query(empty_database, OLD_ROWS, autocommit=True)
    assert alembic(empty_database, "upgrade", "head").returncode == 0
    assert query(empty_database, "SELECT token_sha256 FROM refresh_tokens") == [digest("kept")]
    assert query(empty_database, "SELECT status FROM items") == ["ready"]


def test_a_second_upgrade_changes_nothing(database_url: str) -> None:
    again = alembic(database_url, "upgrade", "head")
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


LOOK_ALIKES = """
INSERT INTO users (id, email, name, password_hash, created_at)
VALUES (gen_random_uuid(), 'jose\u0301@b.test', 'older', 'x', now() - interval '1 day'),
    (gen_random_uuid(), 'jos\u00e9@b.test', 'younger', 'x', now())
"""

# As the code of revision 007 writes it.
WRITTEN_BEFORE_008 = """
WITH person AS (
    INSERT INTO users (email, name, password_hash, id)
    VALUES ('a@b.test', 'Ada', 'x', gen_random_uuid()) RETURNING id
)
INSERT INTO refresh_tokens (user_id, token_sha256, expires_at, id)
SELECT id, 'x', now(), gen_random_uuid() FROM person
"""


def test_of_look_alike_addresses_from_before_the_older_has_the_key(empty_database: str) -> None:
    assert alembic(empty_database, "upgrade", "007").returncode == 0
    query(empty_database, LOOK_ALIKES, autocommit=True)
    done = alembic(empty_database, "upgrade", "head")
    assert done.returncode == 0, done.stderr
    keys = "SELECT email_key FROM users ORDER BY name"
    assert query(empty_database, keys) == ["jos\u00e9@b.test", "None"]


def test_a_release_from_before_signs_people_up_and_in_on_the_new_schema(
    empty_database: str,
) -> None:
    assert alembic(empty_database, "upgrade", "head").returncode == 0
    query(empty_database, WRITTEN_BEFORE_008, autocommit=True)
    used = "DELETE FROM refresh_tokens WHERE token_sha256 = 'x' RETURNING user_id IS NOT NULL"
    assert query(empty_database, used, autocommit=True) == ["True"]
