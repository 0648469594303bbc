"""Migrations that must wait: they give up in time, and leave nothing that goes on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fabfile.remote.data.postgres import MIGRATE
from tests.lab.asking import ask
from tests.lab.full import full
from tests.lab.revisions import revision
from tests.lab.scenes import Scene, step_names
from tests.names import API

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

PSQL = ["docker", "exec", "wishwithme-postgres", "psql", "-X", "-U", "wishwithme"]
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'the-migration'"


@contextmanager
def read_all_along(scene: Scene) -> Iterator[None]:
    """Somebody's transaction that has read the items and does not end."""
    query = "BEGIN; SELECT count(*) FROM items; SELECT pg_sleep(600)"
    words = ["docker", "exec", scene.ubuntu.container, *PSQL, "-d", "wishwithme", "-c", query]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as reader:
        held = "SELECT count(*) FROM pg_locks WHERE relation = 'items'::regclass"
        while scene.asks_database(f"{held} AND mode = 'AccessShareLock'") == "0":
            assert reader.poll() is None
        try:
            yield
        finally:
            asleep = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            scene.asks_database(
                f"{asleep} WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
            )


@full
def test_a_lock_that_is_held_ends_the_deploy_in_time_with_one_line(scene: Scene) -> None:
    """While it waits, every reader after it would wait too: so it does not wait long."""
    good = scene.runs
    commit = scene.change("A note on each item", revision())
    with read_all_along(scene), scene.comes_back():
        start = time.monotonic()
        ran = scene.deploy(commit)
        assert time.monotonic() - start < 90, ran
        assert ask(scene.ubuntu, API, "/healthz").status == 200
    assert (ran.code, ran.error) == (
        1,
        (
            "ubuntu: the migration failed: another session holds a lock on what it changes (lock"
            f" timeout); ubuntu is back at {good[:8]}, proved"
        ),
    ), ran
    assert step_names(scene.record(commit))[-1] == "migrate core-api"
    assert scene.asks_database("SELECT version_num FROM alembic_version") == "008"
    assert "wishwithme-migrate" not in scene.by_hand("docker ps -a")


def test_a_deadline_ends_a_migration_also_in_the_database(scene: Scene) -> None:
    """A container outlives the client that started it, and a statement its container."""
    image = scene.image("postgres:16.10-alpine")
    env = f"PGPASSWORD=$(sed -n 's/^POSTGRES_PASSWORD=//p' .env); export PGPASSWORD; {MIGRATE}"
    words = ["the-migration", "2", "wishwithme-postgres", "wishwithme", "docker", "run", "--rm"]
    words += ["--name", "the-migration", "--network", "wishwithme-network", "-e", "PGPASSWORD"]
    words += ["-e", "PGAPPNAME=the-migration", image, "psql", "-h", "postgres", "-U", "wishwithme"]
    words += ["-c", "SELECT pg_sleep(300)"]
    script = ["sh", "-c", 'cd /home/ubuntu/wish-with-me-codex; exec bash -c "$0" migrate "$@"', env]
    start = time.monotonic()
    running = subprocess.Popen(["docker", "exec", scene.ubuntu.container, *script, *words])
    while scene.asks_database(SESSIONS) == "0":
        assert running.poll() is None
    assert running.wait(30) == 124
    assert time.monotonic() - start < 15
    assert scene.asks_database(SESSIONS) == "0"
    assert "the-migration" not in scene.by_hand("docker ps -a")
