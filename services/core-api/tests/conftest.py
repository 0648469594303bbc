"""A real PostgreSQL and a real Redis in folders of their own, and two replicas on them."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

SIGNING_KEY = "a-signing-key-for-tests-that-is-long-enough"
# app.main reads its settings when it is imported; nothing listens at these addresses.
os.environ["JWT_SECRET_KEY"] = SIGNING_KEY
os.environ["DATABASE_URL"] = "postgresql+asyncpg://nobody:hidden-word@127.0.0.1:1/nothing"
os.environ["CORS_ORIGINS"] = "https://app.example,https://www.app.example"
os.environ["REDIS_URL"] = "redis://:hidden-word@127.0.0.1:1/0"

from app import tokens, worker  # noqa: E402
from app.main import create_app  # noqa: E402
from app.settings import Settings  # noqa: E402
from tests.people import Person  # noqa: E402
from tests.servers import RedisServer, StandIn, served  # noqa: E402

# What the application logs is pytest's to keep; its own handler would write to a stream that ends.
logging.getLogger().handlers.clear()

# A hash that is quickly made: every test registers somebody.
tokens.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
# A queue that is looked at often: tries that follow a failure are not announced.
worker.LOOK_AGAIN = timedelta(seconds=0.2)

SERVICE = Path(__file__).resolve().parents[1]


def alembic(database_url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run alembic as the image does: in the service's folder, with its environment."""
    return subprocess.run(
        [sys.executable, "-m", "alembic", *words],
        cwd=SERVICE,
        env={**os.environ, "DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty PostgreSQL server."""
    pgserver = pytest.importorskip("pgserver", reason="pgserver has no wheel for this Python")
    with pgserver.get_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1)


@pytest.fixture(scope="session")
def database_url(postgres: str) -> str:
    """The address of a migrated database."""
    done = alembic(postgres, "upgrade", "head")
    assert done.returncode == 0, done.stderr
    return postgres


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that a test may stop, if it starts it again."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def resolver() -> Iterator[StandIn]:
    with StandIn().running() as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def settings(database_url: str, redis: RedisServer, resolver: StandIn) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=redis.url,
        item_resolver_url=resolver.url,
        item_resolver_token="token-of-the-tests",
    )


@pytest.fixture(scope="session")
def replicas(settings: Settings) -> Iterator[tuple[str, str]]:
    """The addresses of two replicas with the same backends."""
    with ExitStack() as stack:
        one, two = (stack.enter_context(served(create_app(settings))) for _ in range(2))
        yield one, two


@pytest.fixture
def person(replicas: tuple[str, str]) -> Person:
    """A new user of the first replica."""
    return Person(replicas[0])


@pytest.fixture
def new_person(replicas: tuple[str, str]) -> Callable[[], Person]:
    return lambda: Person(replicas[0])


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """The application with both backends there."""
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def lonely_client() -> Iterator[TestClient]:
    """The application with neither backend there."""
    with TestClient(create_app(Settings())) as client:
        yield client
