"""PostgreSQL on a server: dumps, checks and restores, each one script that cleans up after itself.

Data never passes through the operator's machine: it streams from a container into a file and back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...model.data.backup import RESERVE, Backup, Shelf, parse_manifest, parse_shelf
from ...model.data.database import differences, parse_content
from ...model.data.manifest import WRONG
from ...model.errors import FAILED, REFUSED, Trouble
from ...model.framing import lines_of
from ..host import Host
from ..output import Output

LONGEST = 4 * 3600
"""Seconds that a dump or a restore may take."""
PATIENCE = 120
"""Seconds within which a throwaway PostgreSQL must answer."""
MIGRATION_TIMEOUT = 600
"""Seconds that migrations may take."""
CLEANUP = 60
"""Seconds that ending a migration may take."""
THROWAWAY = "check"
"""Purpose of the containers that backups are restored into for a check."""
REFUSALS = {74: "disk", 75: "busy", 76: "database", 77: "identity"}
"""Exit codes of the scripts that mean: nothing was touched."""
DIFFERS = 66
"""Exit code of a restore whose database held something else, and is gone again."""
REVISION = """\
\\unset ON_ERROR_STOP
SAVEPOINT revision;
SELECT json_build_object('revision', (QUERY)::text);
ROLLBACK TO revision;
\\set ON_ERROR_STOP 1
"""
"""Asked first, by the database's own search path. Without its table there is no revision: that is
an answer, and must not end the session."""
CAUSE = Path(__file__).with_name("cause.sh").read_text(encoding="utf-8")
"""Begins the scripts whose failures :func:`trouble` tells."""
LEFT = "left: "
"""Begins a line about what the clean-up of such a script must leave."""
BACKUPS, MIGRATE, CONTENT, RIGHTS, OWN, SETTLE = (
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("backups.sh", "migrate.sh", "content.sql", "rights.sql", "own.sql", "settle.sql")
)
BACKUP, VERIFY, LOAD = (
    CAUSE + Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("backup.sh", "verify.sh", "restore.sh")
)
ALL_RIGHTS = f"{RIGHTS}UNION ALL\n{OWN}"
GIVE = 'exec docker exec -i "$1" psql -X -q -U "$2" -d "$3" -v ON_ERROR_STOP=1'
UNLOGGED = "".join(
    f"SET {name} = '{value}';\n"
    for name, value in {
        "log_statement": "none",
        "log_min_duration_statement": "-1",
        "log_min_duration_sample": "-1",
        "log_transaction_sample_rate": "0",
        "log_min_error_statement": "panic",
    }.items()
)
"""What a session says first that has something to hide."""
NO_TABLE = "42P01"
"""What PostgreSQL calls a table that is not there."""


@dataclass(frozen=True)
class Postgres:
    """The database of a stack: its container and how to ask it."""

    container: str
    image: str
    """Id of the image that it runs."""
    user: str
    name: str
    """The database's name."""
    revision: str
    """Query for the revision of the schema; empty: none."""


def shelf(host: Host) -> Shelf:
    """What stands in the folder of backups."""
    return parse_shelf(host.read(["bash", "-c", BACKUPS, "backups", str(_folder(host))]).stdout)


def is_empty(host: Host, postgres: Postgres) -> bool:
    """Whether the database has no table."""
    query = "SELECT count(*) FROM pg_stat_user_tables"
    return host.read(_psql(postgres, postgres.name, query)).stdout.strip() == "0"


def revision(host: Host, postgres: Postgres) -> str:
    """The revision of the schema; empty when the database has none."""
    query = _psql(postgres, postgres.name, postgres.revision, "-v", "VERBOSITY=sqlstate")
    output = host.read(query, check=False)
    if not output.ok and NO_TABLE not in output.stderr:
        raise Trouble(f"{host.name}: the schema's revision is unknown", evidence=output.tail())
    return output.stdout.strip()


def refusal(host: Host, postgres: Postgres, address: str, password: str, seconds: int) -> str:
    """Why a session with this password is refused; empty: it is not.

    ``address``: the container's own on a network. There a password is asked for, as of a service;
    on its socket and on 127.0.0.1 it is not.
    """
    words = [*_psql(postgres, postgres.name, "SELECT 1", "-w", "-h", address)]
    given = ["docker", "exec", "--env-file", "/dev/stdin", *words[2:]]
    output = host.read(given, stdin=f"PGPASSWORD={password}\n", timeout=seconds, check=False)
    said = next((line for line in output.errors() if "FATAL:" in line), "")
    # Whoever lets in only others says nothing of the password.
    return "" if output.ok or "pg_hba.conf" in said else said.partition("FATAL:")[2].strip()


def give_password(host: Host, postgres: Postgres, verifier: str) -> None:
    """Give the role another password, as its verifier; sessions that are open go on.

    It goes by standard input, and PostgreSQL logs no statement of that session, failed ones too.
    """
    words = ["bash", "-c", GIVE, "give-password", postgres.container, postgres.user, postgres.name]
    said = f"{UNLOGGED}ALTER ROLE \"{postgres.user}\" PASSWORD '{verifier}';\n"
    output = host.write(words, stdin=said, check=False)
    if not output.ok:
        raise trouble(host, f"{postgres.container} gets no new password", output)


def migrate(host: Host, container: str, postgres: Postgres | None, words: Sequence[str]) -> Output:
    """Run the words that start ``container``; 124: it did not end within ``MIGRATION_TIMEOUT``.

    Whatever happens, neither the container nor a session of it in ``postgres`` is left.
    """
    database = [postgres.container, postgres.user] if postgres else ["", ""]
    script = ["bash", "-c", MIGRATE, "migrate", container, str(MIGRATION_TIMEOUT)]
    script += [*database, *words]
    return host.write(script, timeout=MIGRATION_TIMEOUT + CLEANUP, check=False)


def take(host: Host, postgres: Postgres, backup: Backup, expected: int, wait: int) -> Backup:
    """Dump the database into the backup's file, and its manifest beside it.

    ``wait``: seconds for another backup to end. A failure leaves nothing behind.
    """
    words = ["bash", "-c", BACKUP, "backup", str(_folder(host)), backup.name, postgres.container]
    words += [postgres.user, postgres.name, host.server.compression, str(expected), str(RESERVE)]
    words += [str(wait), backup.about, questions(postgres), ALL_RIGHTS]
    output = host.write(words, timeout=LONGEST, check=False)
    made = parse_manifest(output.stdout.strip()) if output.ok else None
    if made is None:
        raise trouble(host, "no backup was made", output)
    return made


def try_restore(host: Host, postgres: Postgres, backup: Backup) -> list[str]:
    """Restore a backup into a throwaway PostgreSQL of the same image; what differs.

    Exit code 1 when it cannot be restored; 2 when it was not tried (disk, another one running).
    """
    assert backup.content is not None
    words = ["bash", "-c", VERIFY, "verify", str(_folder(host)), postgres.image, postgres.container]
    words += [host.throwaway(THROWAWAY)]
    words += [str(PATIENCE), str(backup.content.bytes + RESERVE), LOAD, backup.name]
    words += [backup.sha256, postgres.user, "restored", *_load_words(backup, postgres, "")]
    output = host.write(words, stdin=_rights(backup), timeout=LONGEST, check=False)
    return _differences(host, backup, output)


def databases(host: Host, postgres: Postgres) -> list[str]:
    """The names of all databases; exit code 1 when the server does not answer."""
    query = "SELECT datname FROM pg_database ORDER BY datname"
    return host.read(_psql(postgres, "postgres", query)).stdout.strip("\n").split("\n")


def load(host: Host, postgres: Postgres, backup: Backup, database: str, like: str) -> list[str]:
    """Restore a backup into a new database beside the others; what differs.

    ``like``: the database whose own properties (rights, settings, …) it gets; empty: those that
    the dumped one had.
    """
    words = ["bash", "-c", LOAD, "load", str(_folder(host) / backup.name), backup.sha256]
    words += [postgres.container, postgres.user, database, *_load_words(backup, postgres, like)]
    output = host.write(words, stdin=_rights(backup), timeout=LONGEST, check=False)
    return _differences(host, backup, output)


def drop(host: Host, postgres: Postgres, database: str) -> str:
    """Remove a database, if it is there, also one that is a template.

    Returns why it stays, empty when it is gone: something in it is in use.
    """
    quoted = database.replace('"', '""')
    # The first fails where there is none, which does not count: psql ends as its last command does.
    freed = f'ALTER DATABASE "{quoted}" IS_TEMPLATE false'
    words = _psql(postgres, "postgres", freed, "-v", "VERBOSITY=terse")
    dropped = f'DROP DATABASE IF EXISTS "{quoted}" WITH (FORCE)'
    output = host.write([*words, "-c", dropped], check=False)
    if output.ok:
        return ""
    return trouble(host, f"database {database} cannot be removed", output).message


def _psql(postgres: Postgres, database: str, query: str, *more: str) -> list[str]:
    words = ["docker", "exec", postgres.container, "psql", "-X", "-A", "-t", "-U", postgres.user]
    return [*words, "-d", database, *more, "-c", query]


def write_manifest(host: Host, backup: Backup) -> None:
    """Write a backup's manifest anew."""
    host.put(_folder(host) / f"{backup.name}.json", backup.to_manifest() + "\n")


def remove(host: Host, names: Sequence[str]) -> None:
    """Remove backups, each one's manifest first: without it a file does not count."""
    script = """
set -eu
cd "$1"
shift
exec 9<.
flock --nonblock 9 || exit 75
for name in "$@"; do rm -f "$name.json" "$name"; done
"""
    words = ["bash", "-c", script, "remove-backups", str(_folder(host)), *names]
    output = host.write(words, check=False)
    if not output.ok:
        raise trouble(host, "nothing was removed", output)


def trouble(host: Host, what: str, output: Output) -> Trouble:
    """A script's failure: its last words are the cause; what its clean-up left follows."""
    lines = lines_of(output.stderr)
    left = dict.fromkeys(line.removeprefix(LEFT) for line in lines if line.startswith(LEFT))
    said = [line for line in lines if not line.startswith(LEFT)] or [f"exit code {output.code}"]
    if output.code == 124:
        said = [f"it did not end within {LONGEST // 3600} h"]
    code = REFUSED if output.code in REFUSALS else FAILED
    message = "; ".join((f"{host.name}: {what}: {said[-1]}", *left))
    return Trouble(message, code=code, evidence=said[:-1][-12:])


def questions(postgres: Postgres) -> str:
    """What a database is asked, at the dump and after a restore."""
    return (REVISION.replace("QUERY", postgres.revision) if postgres.revision else "") + CONTENT


def _load_words(backup: Backup, postgres: Postgres, like: str) -> list[str]:
    content = backup.content
    assert content is not None
    words = [content.encoding, content.collate, content.ctype, backup.answered]
    words += [json.dumps({"session": content.session, "locale": content.locale})]
    return [
        *words,
        questions(postgres),
        ALL_RIGHTS,
        SETTLE,
        postgres.container,
        postgres.name,
        like,
        OWN,
    ]


def _rights(backup: Backup) -> str:
    return f"{json.dumps(backup.rights)}\n"


def _differences(host: Host, backup: Backup, output: Output) -> list[str]:
    what = f"{backup.name} cannot be restored"
    if output.code not in (0, DIFFERS):
        raise trouble(host, what, output)
    try:
        lines = [line for line in output.stdout.split("\n") if line]
        restored = parse_content(json.loads(line) for line in lines)
    except WRONG as error:
        raise Trouble(f"{host.name}: {what}: {error}", evidence=output.tail()) from None
    assert backup.content is not None
    found = differences(backup.content, restored)
    return found or (["its answers differ"] if output.code == DIFFERS else [])


def _folder(host: Host) -> PurePosixPath:
    return host.server.root / "backups"
