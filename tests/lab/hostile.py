"""What an attacker makes of a dump: the same archive, with another statement in it.

Helpers only. The statement takes the place of a comment that is as long: the archive stays whole.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from typing import Any

ROOM = 700
BAIT = f"COMMENT ON TABLE users IS '{'A' * ROOM}'"
"""Asked of the database before its dump: makes room in the archive."""
COMMENT = re.compile(rb"COMMENT ON TABLE public\.users IS 'A+';\n")
PROOF = "/tmp/pwned"
"""The file that must not appear in the container."""
PROGRAM = f"touch {PROOF}"
BLOCK = f"BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''{PROGRAM}'''; END"
BODY = f"BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''{PROGRAM}'''; RETURN 1; END"
COPY = "permission denied to COPY to or from an external program"
STATEMENTS: dict[str, tuple[str, str]] = {
    "a command of psql": (f"\\! {PROGRAM}\n", "syntax error"),
    "a program that fills a table": (f"COPY public.users (name) FROM PROGRAM '{PROGRAM}'", COPY),
    "a file of the server": (
        f"COPY (SELECT 1) TO '{PROOF}'",
        "permission denied to COPY to a file",
    ),
    "a function in C": (
        "CREATE FUNCTION public.system(cstring) RETURNS int AS 'libc.so.6', 'system' LANGUAGE c",
        "permission denied for language c",
    ),
    "a setting of the server": (
        f"ALTER SYSTEM SET archive_command = '{PROGRAM}'",
        "permission denied to set parameter",
    ),
    "a file that is read": (
        "CREATE TABLE public.stolen AS SELECT pg_read_file('/etc/passwd')",
        "permission denied for function pg_read_file",
    ),
    "a large object that is written out": (
        f"SELECT lo_export(lo_from_bytea(0, 'x'), '{PROOF}')",
        "permission denied for function lo_export",
    ),
    "a way to another server": (
        "CREATE SUBSCRIPTION s CONNECTION 'host=203.0.113.1' PUBLICATION p",
        "permission denied to create subscription",
    ),
    "an extension that connects": ("CREATE EXTENSION dblink", "ERROR:"),
    "rights of a superuser": ("ALTER ROLE CURRENT_USER SUPERUSER", "permission denied"),
    "the superuser's role": ("SET ROLE wishwithme", "permission denied to set role"),
    "the superuser's session": (
        "SET SESSION AUTHORIZATION wishwithme",
        "permission denied to set session authorization",
    ),
    "another password": ("ALTER ROLE wishwithme PASSWORD 'mine'", "permission denied"),
    "the live database": ("DROP DATABASE wishwithme", "must be owner of database"),
    "an event trigger": (
        (
            "CREATE FUNCTION public.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
            " CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.e()"
        ),
        "permission denied to create event trigger",
    ),
    "a block that runs a program": (f"DO $$ {BLOCK} $$", COPY),
    "an index that runs a program": (
        (
            "CREATE FUNCTION public.f(text) RETURNS int IMMUTABLE LANGUAGE plpgsql"
            f" AS $$ {BODY} $$;"
            " CREATE INDEX ON public.users (public.f(email)); INSERT INTO public.users (id, email,"
            " password_hash, name) VALUES (gen_random_uuid(), 'x@y.zz', 'x', 'x')"
        ),
        "ERROR:",
    ),
    "a view where the revision is asked": (
        (
            f"CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS $$ {BODY} $$;"
            " DROP TABLE public.alembic_version;"
            " CREATE VIEW public.alembic_version AS SELECT public.f() AS version_num"
        ),
        "ERROR:",
    ),
}
"""What is in the dump → the statement, and what the restore says of it."""
SETTINGS = """DO $$ BEGIN
EXECUTE format('ALTER DATABASE %I SET search_path = public', current_database());
EXECUTE format('ALTER DATABASE %I SET standard_conforming_strings = off', current_database());
END $$"""
"""Is allowed, and changes nothing that others see."""


def with_statement(packed: bytes, statement: str) -> bytes:
    """The packed dump, in which a statement stands where the bait was."""
    raw = gzip.decompress(packed)
    (room,) = COMMENT.findall(raw)
    text = f"{statement};\n".encode().ljust(len(room))
    assert len(text) == len(room), f"{len(text) - len(room)} bytes too long"
    return gzip.compress(raw.replace(room, text), mtime=0)


def vouched(manifest: dict[str, Any], packed: bytes) -> dict[str, Any]:
    """The manifest of a backup, for these bytes instead."""
    return manifest | {"bytes": len(packed), "sha256": hashlib.sha256(packed).hexdigest()}
