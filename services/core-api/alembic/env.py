"""Runs the migrations over the application's own asynchronous driver, or prints them as SQL."""

import asyncio
from functools import partial
from logging.config import fileConfig

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from alembic import context
from app.backends import connect
from app.models import Base
from app.settings import load_settings

# One number for every migration of this database: two runs at once take turns.
MIGRATION_LOCK = 7_041_776
# A statement that queues behind a long transaction blocks every reader after it: give up instead.
LOCK_TIMEOUT = "10s"


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether the models know of it: the queue's tables belong to its library."""
    return kind != "table" or not (name or "").startswith("pgqueuer")


def migrate(connection: Connection) -> None:
    """Bring the schema to the wanted revision, in one transaction, under the lock."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        include_name=ours,
    )
    with context.begin_transaction():
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        context.run_migrations()


async def migrate_online() -> None:
    """Connect to DATABASE_URL, migrate, and close the connection."""
    # Straight to the engine: in alembic's configuration a % in the address would be interpolated.
    settings = load_settings()
    engine = create_async_engine(
        settings.database_url.get_secret_value(),
        connect_args={"async_creator_fn": partial(connect, settings)},
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


if context.config.config_file_name is not None:
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)


def print_sql() -> None:
    """Print what would be run (--sql): for who must judge it, without a database or settings."""
    context.configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    print_sql()
else:
    asyncio.run(migrate_online())
