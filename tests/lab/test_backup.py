"""Backups of a real PostgreSQL: what comes back, and what faults leave."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab.deployments import Ran, ended
from tests.lab.full import full
from tests.lab.rig.output import wait_until
from tests.lab.scenes import Scene
from tests.lab.seen import STATE
from tests.names import API

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SHELF = f"{STATE}/backups"
ROWS = 500
FILL = f"""
INSERT INTO users (id, email, password_hash, name)
SELECT md5(i::text)::uuid, 'u' || i || '@example.org', md5(i::text), 'Somebody'
FROM generate_series(1, {ROWS}) i
ON CONFLICT DO NOTHING
"""
DIGEST = "SELECT md5(string_agg(u::text, ',' ORDER BY id)) FROM users u"


@pytest.fixture
def people(patient: Scene) -> Scene:
    """Both servers verified, with users in the database and no backup.

    Their services lose every connection in a restore: the gates may take their time.
    """
    scene = patient
    scene.ubuntu.must(["sh", "-c", f"rm -f {SHELF}/*"])
    scene.asks_database(FILL)
    return scene


@pytest.fixture(scope="module")
def faults() -> Iterator[list[str]]:
    """The faults that were played; none of them made a bad backup good or cost a good one."""
    played: list[str] = []
    yield played
    print(f"{len(played)} faults: no bad backup was taken for a good one, and no good one was lost")


def shelf(scene: Scene) -> list[dict[str, Any]]:
    """What ``db.list`` tells, newest first."""
    found: list[dict[str, Any]] = scene.operator.json("db.list")["backups"]
    return found


def files(scene: Scene) -> list[str]:
    return scene.ubuntu.must(["ls", "-A", SHELF]).split()


def verified(scene: Scene) -> str:
    """The name of a new backup that was restored and found equal."""
    name: str = scene.operator.json("db.backup")["name"]
    scene.operator.must("db.verify")
    return name


def throwaways(scene: Scene) -> str:
    words = ["docker", "ps", "-aq", "--filter", "label=me.wishwith.throwaway"]
    return scene.ubuntu.must(words)


def unlock(scene: Scene) -> None:
    """Let the dump of :func:`held_up` go on."""
    free = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; L%'"
    scene.ubuntu.exec(
        ["docker", "exec", "wishwithme-postgres", "psql", "-U", "wishwithme", "-c", free]
    )


@contextmanager
def held_up(scene: Scene, faults: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A ``db.backup`` whose dump waits for a table that somebody has locked, for a fault."""
    faults.append("half way")
    locked = "BEGIN; LOCK TABLE users; SELECT pg_sleep(50)"
    psql = f'docker exec -d wishwithme-postgres psql -U wishwithme -c "{locked}"'
    scene.by_hand(psql)
    running = scene.operator.start("db.backup")
    waits = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND query LIKE 'LOCK TABLE%'"
    )
    wait_until(lambda: scene.asks_database(waits) == "1", "the dump waits for the table", 30)
    try:
        yield running
    finally:
        unlock(scene)


def failed(running: subprocess.Popen[str]) -> Ran:
    ran = ended(running, time.monotonic())
    assert ran.code == 1, ran
    assert ran.error.startswith("ubuntu: no backup was made: "), ran
    return ran


def test_a_dropped_database_comes_back_row_by_row(people: Scene) -> None:
    """Out of a backup that only its owner reads."""
    before = people.asks_database(DIGEST)
    name = verified(people)
    modes = people.ubuntu.must(["stat", "-c", "%U %a", f"{SHELF}/{name}", f"{SHELF}/{name}.json"])
    assert modes.splitlines() == ["ubuntu 600"] * 2
    scripts = (
        "docker stop wishwithme-core-api-1 wishwithme-core-api-2",
        "docker exec wishwithme-postgres dropdb -U wishwithme --force wishwithme",
        "docker start wishwithme-core-api-1 wishwithme-core-api-2",
    )
    for script in scripts:
        people.by_hand(script)
    people.operator.must("db.restore", "--yes")
    assert people.asks_database(DIGEST) == before
    people.proves()
    assert [backup["name"] for backup in shelf(people)] == [name]
    assert throwaways(people) == ""


@full
def test_the_only_traces_of_a_restore_are_the_old_database_and_a_short_503(people: Scene) -> None:
    before = people.asks_database(DIGEST)
    verified(people)
    people.asks_database("DELETE FROM users WHERE email LIKE 'u%'")
    seen: list[tuple[float, int]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.append((time.monotonic(), people.get(API, "/healthz")[0]))
            over.wait(0.05)

    onlooker = threading.Thread(target=watch)
    onlooker.start()
    try:
        ran = people.operator.must("db.restore", "--yes")
    finally:
        over.set()
        onlooker.join()
    assert people.asks_database(DIGEST) == before
    held = [at for at, status in seen if status == 503]
    assert {status for _, status in seen} <= {200, 503, 429}, seen
    print(f"held for {max(held) - min(held) if held else 0:.1f} s of {ran.seconds:.1f} s")
    assert not held or max(held) - min(held) < 15
    assert [line for line in files(people) if "part" in line] == []
    assert "hold.conf" not in people.ubuntu.must(["ls", f"{STATE}/proxy"])
    old = people.asks_database("SELECT datname FROM pg_database WHERE datname LIKE '%_before_%'")
    assert old.startswith("wishwithme_before_")
    people.operator.must("db.restore", "--drop-old", "--yes")
    left = people.asks_database("SELECT count(*) FROM pg_database WHERE datname LIKE '%before%'")
    assert left == "0"
    people.plain_up_changes_nothing()


def test_a_dump_that_is_killed_half_way_leaves_nothing(people: Scene, faults: list[str]) -> None:
    with held_up(people, faults) as running:
        people.ubuntu.must(["pkill", "-KILL", "-x", "pg_dump"])
        assert "pg_dump ended with 137" in failed(running).error
    assert files(people) == []


@full
def test_a_database_that_stops_half_way_leaves_nothing(people: Scene, faults: list[str]) -> None:
    with held_up(people, faults) as running:
        people.by_hand("docker restart wishwithme-postgres")
        assert "pg_dump ended with" in failed(running).error
    assert files(people) == []
    people.by_hand("docker compose up -d --wait")
    people.proves()


def test_of_two_at_once_the_second_says_so(people: Scene, faults: list[str]) -> None:
    with held_up(people, faults) as running:
        second = people.operator.fab("db.backup")
        assert second.code == 2
        assert "another backup, check or clean-up is running" in second.error
    ran = ended(running, time.monotonic())
    assert ran.code == 0, ran
    assert len(shelf(people)) == 1


@full
def test_an_operator_that_is_killed_costs_no_backup_and_leaves_no_half_one(
    people: Scene, faults: list[str]
) -> None:
    """The script on the server goes on to its end, or cleans up."""
    with held_up(people, faults) as running:
        running.kill()
        running.communicate()
    wait_until(
        lambda: not [name for name in files(people) if name.endswith(".part")], "its end", 60
    )
    people.operator.must("db.backup")
    assert people.operator.json("db.list")["strays"] == {}
    for backup in shelf(people):
        people.operator.must("db.verify", "--from", backup["name"])


def test_a_disk_that_fills_half_way_leaves_nothing(people: Scene, faults: list[str]) -> None:
    with held_up(people, faults) as running, people.ubuntu.full_disk("/opt", free=0):
        unlock(people)
        assert "No space left on device" in failed(running).error
    assert files(people) == []


def test_a_full_disk_is_said_before_anything_is_written(people: Scene, faults: list[str]) -> None:
    faults.append("full disk")
    with people.ubuntu.full_disk("/opt", free=100 << 20):
        ran = people.operator.fab("db.backup")
    assert ran.code == 2, ran
    assert "MiB are free in /opt/wishwithme/backups" in ran.error
    assert files(people) == []


DAMAGE = {
    "truncated": "truncate -s -20 {}",
    "flipped": "printf x | dd bs=1 seek=99 conv=notrunc status=none of={}",
}


@full
def test_a_changed_file_is_never_good_and_never_costs_a_good_one(
    people: Scene, faults: list[str]
) -> None:
    before = people.asks_database(DIGEST)
    good = verified(people)
    for damage, script in DAMAGE.items():
        bad = people.operator.json("db.backup")["name"]
        people.by_hand(script.format(f"{SHELF}/{bad}"))
        faults.append(damage)
        for words in (["db.verify"], ["db.restore", "--yes"]):
            ran = people.operator.fab(*words, "--from", bad)
            assert ran.code in (1, 2), ran
    people.operator.must("db.prune")
    assert [b["name"] for b in shelf(people) if b["verified"]] == [good]
    people.operator.must("db.restore", "--yes", "--into", "proof")
    assert people.asks_database(DIGEST, "proof") == before
    people.by_hand("docker exec wishwithme-postgres dropdb -U wishwithme proof")


YEARS_AHEAD = 's/"taken": [0-9]*/"taken": 4070908800/'


@full
def test_a_clock_that_was_wrong_costs_no_good_backup(people: Scene, faults: list[str]) -> None:
    """Its stamps are years ahead: what was made later is newer all the same."""
    ahead = verified(people)
    faults.append("clock")
    people.by_hand(f"sed -i '{YEARS_AHEAD}' {SHELF}/{ahead}.json")
    name = verified(people)
    people.operator.must("db.prune")
    assert [backup["name"] for backup in shelf(people)] == [name, ahead]
    assert shelf(people)[1]["taken"] == 4070908800
    ran = people.operator.must("db.restore", "--yes", "--into", "proof")
    assert f"[ubuntu] {name} is restored into proof" in ran.out
    people.by_hand("docker exec wishwithme-postgres dropdb -U wishwithme proof")


@full
def test_power_lost_while_restoring_leaves_the_live_database(
    people: Scene, faults: list[str]
) -> None:
    before = people.asks_database(DIGEST)
    verified(people)
    running = people.operator.start("db.restore", "--yes")
    incoming = "SELECT count(*) FROM pg_database WHERE datname LIKE '%_restored_%'"
    wait_until(lambda: people.asks_database(incoming) == "1", "the restore has begun", 60)
    faults.append("power")
    with people.ubuntu.powered_off():
        running.communicate()
    assert running.returncode in (1, 3)
    people.by_hand("docker compose up -d --wait")
    assert people.asks_database(DIGEST) == before
    people.operator.must("db.restore", "--yes")
    assert people.asks_database(DIGEST) == before
    assert people.asks_database(incoming) == "0"
    people.operator.must("db.restore", "--drop-old", "--yes")


ODD = """
CREATE SCHEMA kept; ALTER TABLE alembic_version SET SCHEMA kept;
ALTER DATABASE wishwithme SET search_path = kept, public;
ALTER DATABASE wishwithme SET lab.tenant = 'ours';
SET lab.tenant = 'ours';
CREATE TABLE kept.tenants (name text CHECK (name = current_setting('lab.tenant')));
INSERT INTO kept.tenants VALUES ('ours');
CREATE TABLE kept.elders (a int); CREATE TABLE kept.heirs (b int) INHERITS (kept.elders);
ALTER TABLE kept.elders ADD COLUMN c text;
INSERT INTO kept.heirs VALUES (1, 2, '3'); INSERT INTO kept.elders VALUES (4, '5');
CREATE TABLE kept.rows ("a whole row" int, what text); INSERT INTO kept.rows VALUES (1, 'x');
CREATE SUBSCRIPTION lab CONNECTION 'host=203.0.113.1' PUBLICATION p WITH (connect = false);
"""
"""Good databases that were called bad, or could not be restored at all."""
EVEN = """
ALTER SUBSCRIPTION lab SET (slot_name = NONE); DROP SUBSCRIPTION lab;
ALTER TABLE kept.alembic_version SET SCHEMA public; DROP SCHEMA kept CASCADE;
ALTER DATABASE wishwithme RESET search_path; ALTER DATABASE wishwithme RESET lab.tenant
"""
HEIRS = (
    "SELECT string_agg(format('%s %s %s', a, b, c), ',') FROM kept.heirs"
    " CROSS JOIN kept.rows CROSS JOIN kept.tenants"
)


@full
def test_what_a_session_or_the_order_of_columns_changes_is_no_difference(people: Scene) -> None:
    people.asks_database(ODD)
    try:
        verified(people)
        people.operator.must("db.restore", "--yes", "--into", "drill")
        try:
            assert people.asks_database(HEIRS, "drill") == people.asks_database(HEIRS) == "1 2 3"
            # It would go on receiving what the live database receives.
            there = "SELECT count(*) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid"
            assert people.asks_database(f"{there} WHERE d.datname = 'drill'") == "0"
        finally:
            people.by_hand("docker exec wishwithme-postgres dropdb -U wishwithme drill")
    finally:
        people.asks_database(EVEN)


RICH = """
CREATE ROLE keeper; CREATE ROLE reader; CREATE ROLE "odd ""role";
CREATE SCHEMA kept AUTHORIZATION keeper; CREATE SCHEMA ext;
CREATE TABLE kept.things (id bigserial PRIMARY KEY, what text NOT NULL);
ALTER TABLE kept.things OWNER TO keeper;
INSERT INTO kept.things (what) SELECT 'w' || i FROM generate_series(1, 100) i;
CREATE TYPE mood AS ENUM ('sad', 'ok'); ALTER TYPE mood OWNER TO keeper;
CREATE DOMAIN short AS text CHECK (length(value) < 50); ALTER DOMAIN short OWNER TO keeper;
CREATE TYPE pair AS (a int, b text); ALTER TYPE pair OWNER TO keeper;
CREATE TABLE parts (id int, at date, m mood, s short) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE parts_2 PARTITION OF parts DEFAULT;
INSERT INTO parts VALUES (1, '2026-02-02', 'ok', 'x'), (2, '2027-01-01', 'sad', 'y');
CREATE VIEW seen AS SELECT id FROM parts; ALTER VIEW seen OWNER TO keeper;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM parts;
CREATE TABLE secret (id int PRIMARY KEY, who name); INSERT INTO secret VALUES (1, 'a'), (2, 'b');
ALTER TABLE secret ENABLE ROW LEVEL SECURITY; ALTER TABLE secret FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON secret TO reader USING (who = current_user);
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT $1 * 2';
ALTER FUNCTION twice(int) OWNER TO keeper; REVOKE ALL ON FUNCTION twice(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION twice(int) TO reader;
CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int, initcond = '0');
ALTER AGGREGATE total(int) OWNER TO keeper;
CREATE PROCEDURE nothing() LANGUAGE plpgsql AS 'BEGIN END';
ALTER PROCEDURE nothing() OWNER TO keeper;
CREATE FUNCTION trig() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE INSERT ON parts FOR EACH ROW EXECUTE FUNCTION trig();
CREATE INDEX ON kept.things (lower(what));
CREATE STATISTICS st ON id, who FROM secret; ALTER STATISTICS st OWNER TO keeper;
GRANT USAGE ON SCHEMA kept TO reader; GRANT SELECT ON kept.things TO reader WITH GRANT OPTION;
GRANT SELECT (what), UPDATE (what) ON kept.things TO "odd ""role";
SET SESSION AUTHORIZATION reader; GRANT SELECT ON kept.things TO "odd ""role";
RESET SESSION AUTHORIZATION;
GRANT SELECT ON seen TO PUBLIC; REVOKE UPDATE ON seen FROM keeper;
GRANT USAGE ON SEQUENCE kept.things_id_seq TO reader;
REVOKE USAGE ON TYPE mood FROM PUBLIC; GRANT USAGE ON TYPE mood TO reader;
GRANT CREATE ON SCHEMA public TO reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA kept GRANT SELECT ON TABLES TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE keeper REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SELECT lo_from_bytea(4711, 'large'); ALTER LARGE OBJECT 4711 OWNER TO keeper;
GRANT SELECT ON LARGE OBJECT 4711 TO reader; SELECT lo_from_bytea(4712, 'other');
COMMENT ON TABLE parts IS 'parts';
CREATE TABLE made (
    a int, b int GENERATED ALWAYS AS (a * 2) STORED, c int GENERATED BY DEFAULT AS IDENTITY
);
INSERT INTO made (a) VALUES (1);
CREATE PUBLICATION pub FOR TABLE parts;
CREATE COLLATION plain (provider = libc, locale = 'C'); ALTER COLLATION plain OWNER TO keeper;
CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION words OWNER TO keeper;
"""
"""All that a dump may hold and another than its main role may own or be granted."""
OWN = """
REVOKE ALL ON DATABASE wishwithme FROM PUBLIC;
GRANT CONNECT ON DATABASE wishwithme TO reader WITH GRANT OPTION;
SET SESSION AUTHORIZATION reader; GRANT CONNECT ON DATABASE wishwithme TO "odd ""role";
RESET SESSION AUTHORIZATION;
ALTER DATABASE wishwithme OWNER TO keeper;
ALTER DATABASE wishwithme CONNECTION LIMIT 90;
ALTER DATABASE wishwithme IS_TEMPLATE true;
COMMENT ON DATABASE wishwithme IS 'the team''s
own';
ALTER DATABASE wishwithme SET search_path = "$user", public, "a, ""b", kept;
ALTER DATABASE wishwithme SET application_name = 'it''s, "a" = name';
ALTER DATABASE wishwithme SET temp_tablespaces = '';
ALTER ROLE "odd ""role" IN DATABASE wishwithme SET search_path = '';
ALTER ROLE reader IN DATABASE wishwithme SET default_transaction_read_only = on;
CREATE ROLE solo; ALTER ROLE solo IN DATABASE wishwithme SET work_mem = '9MB';
"""
"""What belongs to the database itself, and no dump holds."""
SECRET = """
ALTER DATABASE wishwithme SET app.key = 's3cr=et, "x"';
ALTER ROLE reader IN DATABASE wishwithme SET app.key = 'other';
"""
NOT_OWN = """
ALTER DATABASE wishwithme OWNER TO wishwithme;
GRANT CONNECT, TEMPORARY ON DATABASE wishwithme TO PUBLIC;
ALTER DATABASE wishwithme CONNECTION LIMIT -1; ALTER DATABASE wishwithme IS_TEMPLATE false;
COMMENT ON DATABASE wishwithme IS NULL;
ALTER DATABASE wishwithme RESET ALL; DROP ROLE solo;
"""
POOR = """
DROP PUBLICATION pub; SELECT lo_unlink(4711), lo_unlink(4712);
DROP TABLE parts, secret, made CASCADE;
DROP FUNCTION trig; DROP SCHEMA kept, ext CASCADE;
DROP OWNED BY keeper, reader, "odd ""role" CASCADE;
DROP ROLE keeper, reader, "odd ""role"
"""


def whole(scene: Scene, database: str = "wishwithme") -> str:
    """The database as ``pg_dump --create`` tells it, whatever it is called."""
    script = f"docker exec wishwithme-postgres pg_dump --create -U wishwithme -d {database}"
    lines = scene.by_hand(script).replace(database, "wishwithme").splitlines()
    # A catalog keeps settings in the order in which they were made.
    settings = [line for line in lines if re.match(r"ALTER (ROLE|DATABASE) .* SET ", line)]
    return "\n".join([line for line in lines if line not in settings] + sorted(settings))


@full
def test_everything_comes_back_with_its_owner_and_its_rights(people: Scene) -> None:
    """What only a superuser may do as well: the dump itself is loaded by somebody who may not."""
    available = "SELECT name FROM pg_available_extensions WHERE name IN ('vector', 'hstore')"
    extension = people.asks_database(available)
    people.asks_database(RICH)
    try:
        people.asks_database(f'CREATE EXTENSION "{extension}" SCHEMA ext')
        people.asks_database(f"COMMENT ON EXTENSION \"{extension}\" IS 'the team''s own'")
        people.asks_database(OWN)
        live = whole(people)
        verified(people)
        people.operator.must("db.restore", "--yes", "--into", "drill")
        people.asks_database(SECRET)
        try:
            assert whole(people, "drill") == live
            large = (
                "SELECT string_agg(lomowner::regrole || lomacl::text, ',')"
                " FROM pg_largeobject_metadata"
            )
            assert people.asks_database(large, "drill") == people.asks_database(large)
        finally:
            people.asks_database("ALTER DATABASE drill IS_TEMPLATE false")
            people.by_hand("docker exec wishwithme-postgres dropdb -U wishwithme drill")
        live = whole(people)
        assert "s3cr" in live
        name = people.operator.json("db.backup")["name"]
        assert "s3cr" not in people.ubuntu.must(["cat", f"{SHELF}/{name}.json"])
        people.asks_database("DROP TABLE made")
        people.operator.must("db.restore", "--yes", "--from", name)
        assert whole(people) == live
        people.operator.must("db.restore", "--drop-old", "--yes")
    finally:
        people.asks_database(NOT_OWN)
        people.asks_database(POOR)
