"""Point-in-time recovery of a real PostgreSQL: exactly what was committed until an instant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.full import full
from tests.lab.rig.output import wait_until
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.seen import STATE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SWITCH = f"sed -i 's/^COMPOSE_PROFILES=.*/COMPOSE_PROFILES={{}}/' {CHECKOUT}/.env"
PERSON = (
    "INSERT INTO users (id, email, name, password_hash) VALUES (gen_random_uuid(), '{}', '-', '-')"
)
WHO = "SELECT email FROM users WHERE email LIKE 'instant-%' ORDER BY email"


@pytest.fixture
def logged(scene: Scene) -> Iterator[Scene]:
    """Both servers verified, and the log of the database received."""
    scene.ubuntu.must(["sh", "-c", f"rm -f {STATE}/backups/*"])
    scene.by_hand(SWITCH.format("continuous"))
    scene.operator.must("ubuntu.deploy", "--ref", scene.runs)
    yield scene
    scene.operator.must("db.restore", "--drop-old", "--yes")
    scene.by_hand(SWITCH.format(""))
    scene.operator.must("ubuntu.deploy", "--ref", scene.runs, "--remove-orphans")
    scene.asks_database("SELECT pg_drop_replication_slot('continuous')")


@full
def test_what_was_written_before_an_instant_comes_back_and_nothing_later(logged: Scene) -> None:
    logged.plain_up_changes_nothing()
    logged.operator.must("db.base")
    logged.asks_database(PERSON.format("instant-before"))
    instant = logged.asks_database(
        "SELECT to_char(date_trunc('second', clock_timestamp()) + interval '1 s',"
        " 'YYYY-MM-DD\"T\"HH24:MI:SSOF')"
    )
    later = f"SELECT clock_timestamp() > '{instant}'::timestamptz + interval '1 s'"
    wait_until(lambda: logged.asks_database(later) == "t", "the instant is over", 10)
    logged.asks_database(PERSON.format("instant-after"))
    logged.asks_database("DELETE FROM users WHERE email = 'instant-before'")

    ran = logged.operator.must("db.restore", "--yes", "--to-time", instant)
    assert logged.asks_database(WHO) == "instant-before"
    logged.proves()
    left = ["docker", "ps", "-aq", "--filter", "label=me.wishwith.throwaway"]
    assert logged.ubuntu.must(left) == ""
    print(f"brought to an instant in {ran.seconds:.1f} s")

    wanted = logged.asks_database("SELECT now() + interval '1 h'").replace(" ", "T")
    refused = logged.operator.fab("db.restore", "--yes", "--to-time", wanted)
    assert (refused.code, "still to come" in refused.error) == (2, True), refused
