"""A real PostgreSQL in a folder of its own, and a Redis in this process."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakeredis import TcpFakeServer
from fastapi.testclient import TestClient

SIGNING_KEY = "a-signing-key-for-tests-that-is-long-enough"
# app.main reads its settings when it is imported; nothing listens at these addresses.
os.environ["JWT_SECRET_KEY"] = SIGNING_KEY
os.environ["DATABASE_URL"] = "postgresql+asyncpg://nobody:hidden-word@127.0.0.1:1/nothing"
os.environ["REDIS_URL"] = "redis://:hidden-word@127.0.0.1:1/0"

from app.main import create_app  # noqa: E402
from app.settings import Settings  # noqa: E402

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
def redis_url() -> Iterator[str]:
    """The address of a server that speaks Redis."""
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(database_url: str, redis_url: str) -> Iterator[TestClient]:
    """The application with both backends there."""
    with TestClient(create_app(Settings(database_url=database_url, redis_url=redis_url))) as client:
        yield client


@pytest.fixture
def lonely_client() -> Iterator[TestClient]:
    """The application with neither backend there."""
    with TestClient(create_app(Settings())) as client:
        yield client
