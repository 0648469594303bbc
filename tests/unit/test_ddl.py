"""What a migration's SQL destroys, judged by PostgreSQL's own grammar."""

from __future__ import annotations

import pytest

from fabfile.model.data.ddl import Harm, harms


def told(sql: str) -> list[str]:
    return [harm.what for harm in harms(sql)]


@pytest.mark.parametrize(
    ("sql", "what", "loses"),
    [
        ("DROP TABLE item_resolutions", "drops table item_resolutions", True),
        ("DROP TABLE IF EXISTS public.old CASCADE", "drops table old", True),
        ("DROP TABLE audit.log", "drops table audit.log", True),
        ("DROP SCHEMA audit", "drops schema audit", True),
        ("DROP SEQUENCE numbers", "drops sequence numbers", True),
        ("DROP MATERIALIZED VIEW sums", "drops matview sums", True),
        ("DROP VIEW wide", "drops view wide", False),
        ("DROP FUNCTION price(int)", "drops function price", False),
        ("DROP TYPE colour", "drops type colour", False),
        ("DROP TYPE public.colour CASCADE", "drops type colour", True),
        ("ALTER TABLE items DROP COLUMN price", "drops column items.price", True),
        ("ALTER TABLE ONLY audit.log DROP COLUMN at", "drops column audit.log.at", True),
        ("ALTER TABLE a ALTER COLUMN b TYPE bigint", "changes the type of a.b", True),
        ("ALTER TABLE a ALTER b TYPE int USING b::int", "changes the type of a.b", True),
        ("ALTER TABLE a ALTER b SET NOT NULL", "makes a.b not null without a default", False),
        ("ALTER TABLE a ADD b int NOT NULL", "adds a.b not null without a default", False),
        ("ALTER TABLE a ADD b int PRIMARY KEY", "adds a.b not null without a default", False),
        ("ALTER TABLE a RENAME b TO c", "renames column a.b to c", False),
        ("ALTER TABLE a RENAME TO b", "renames table a to b", False),
        ("ALTER TYPE colour RENAME TO paint", "renames type colour to paint", False),
        ("ALTER TABLE a SET SCHEMA b", "moves table a to schema b", False),
        ("TRUNCATE a", "empties table a", True),
        ("DELETE FROM a WHERE b", "deletes rows of a", True),
        ("DO $$ BEGIN DROP TABLE a; END $$", "runs a DO block, which cannot be judged", True),
        ("CALL tidy()", "calls a procedure, which cannot be judged", True),
        ("DROP OWNED BY somebody", "drops all that a role owns", True),
    ],
)
def test_what_hurts_is_named(sql: str, what: str, loses: bool) -> None:
    assert harms(sql) == [Harm(what, loses)]


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "BEGIN; SET LOCAL lock_timeout = '10s'; COMMIT",
        "UPDATE alembic_version SET version_num = '008' WHERE version_num = '007'",
        "ALTER TABLE a ADD b text",
        "ALTER TABLE a ADD b varchar(20) DEFAULT 'ready' NOT NULL",
        "ALTER TABLE a ADD b bigint GENERATED ALWAYS AS IDENTITY NOT NULL",
        "ALTER TABLE a ADD b int GENERATED ALWAYS AS (c + 1) STORED NOT NULL",
        "ALTER TABLE a ADD b bigserial NOT NULL",
        "ALTER TABLE a ALTER b DROP NOT NULL",
        "ALTER TABLE a ALTER b SET DEFAULT 3",
        "ALTER TABLE a ADD b int; ALTER TABLE a ALTER b SET DEFAULT 3, ALTER b SET NOT NULL",
        "ALTER TABLE a ALTER b SET NOT NULL; ALTER TABLE a ALTER b DROP NOT NULL",
        "ALTER TABLE a DROP CONSTRAINT c",
        "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID",
        "ALTER TABLE a RENAME CONSTRAINT c TO d",
        "DROP INDEX c",
        "DROP TRIGGER t ON a",
        "ALTER INDEX c RENAME TO d",
        "CREATE UNIQUE INDEX CONCURRENTLY c ON a (b)",
        "CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN DROP TABLE a; END $$ LANGUAGE plpgsql",
        "ALTER TYPE colour ADD VALUE 'blue'",
        "CREATE TABLE a (b int NOT NULL); ALTER TABLE a DROP COLUMN b; DROP TABLE a",
        "CREATE TABLE public.a AS SELECT 1 AS b; ALTER TABLE a RENAME b TO c; TRUNCATE a",
        "CREATE TEMP TABLE a (b int); DELETE FROM a",
    ],
)
def test_what_does_not_hurt_is_not(sql: str) -> None:
    assert told(sql) == []


def test_a_default_that_is_taken_away_again_is_none() -> None:
    sql = "ALTER TABLE a ADD b int DEFAULT 1 NOT NULL; ALTER TABLE a ALTER b DROP DEFAULT"
    assert told(sql) == ["adds a.b not null without a default"]


def test_every_part_of_every_statement_is_read() -> None:
    sql = "DROP TABLE a, b; ALTER TABLE c DROP d, ADD e int, DROP f; -- DROP TABLE g\nDROP TABLE h;"
    drops = ["table a", "table b", "column c.d", "column c.f", "table h"]
    assert told(sql) == [f"drops {drop}" for drop in drops]


def test_words_in_strings_and_comments_destroy_nothing() -> None:
    assert told("UPDATE a SET b = 'DROP TABLE a'; /* DROP TABLE a; */ -- DROP TABLE a") == []


def test_what_is_no_sql_cannot_be_judged() -> None:
    (harm,) = harms("Loading settings\nALTER TABLE a ADD b int;")
    assert harm.loses
    assert harm.what == (
        'is no SQL of PostgreSQL (syntax error at or near "Loading") and cannot be judged'
    )
