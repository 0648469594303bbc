"""The scripts that dump, restore and swap, with an engine and a PostgreSQL of a few lines each."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.data.backup import Backup
from fabfile.model.errors import FAILED, REFUSED, Trouble
from fabfile.remote.data import postgres
from fabfile.remote.data import swap as databases
from fabfile.remote.data.postgres import Postgres
from fabfile.remote.data.swap import Swap
from fabfile.remote.host import Host

from .backups import CONTENT, backup
from .builders import SERVER

DATABASE = Postgres("app-db", "sha256:aa", "app", "app", "SELECT revision")
ANSWERS = backup(1).to_manifest()
DOCKER = """\
#!/bin/bash
# Inside is outside: what is told to a container is done here.
printf '%s\\n' "${*//$'\\n'/ }" >>"$STUBS/log"
case $1 in
  inspect) echo "${RUNNING:-true}" ;;
  info) echo / ;;
  ps) cat "$STUBS/throwaway" 2>/dev/null ;;
  run)
    [[ $* =~ --env-file\\ ([^ ]*) ]] && cat "${BASH_REMATCH[1]}" >>"$STUBS/environment"
    echo throwaway >"$STUBS/throwaway"; echo throwaway
    ;;
  rm) rm -f "$STUBS/throwaway" ;;
  exec)
    shift
    while :; do case $1 in -i) shift ;; -e | -u) shift 2 ;; *) break ;; esac; done
    shift
    [ "$1 $4" != 'sh run' ] || shift 4 # in no environment but these stubs'
    exec "$@"
    ;;
esac
"""
NGINX = """\
#!/bin/bash
case $* in
  -t) [ -z "${REFUSES:-}" ] ;;
  '-s reload') ls "$STUBS/proxy" | tr '\\n' ' ' >>"$STUBS/loads"; echo >>"$STUBS/loads" ;;
esac
"""
PSQL = """\
#!/bin/bash
case $* in
  *first=*)
    printf '%s\\n' "$*" | grep -o 'first=.*' >>"$STUBS/names"
    cat >/dev/null
    [ -z "${REFUSED_NAME:-}" ] || { echo "ERROR:  $REFUSED_NAME" >&2; exit 3; }
    ;;
  *pg_database_size*) echo "${HOLDS:-1000}" ;;
  *-c*) ;;
  *)
    while IFS= read -r line; do
      printf '%s\\n' "$line" >>"$STUBS/asked"
      case $line in
        *pg_export_snapshot*) echo 00000003-1 ;;
        \\\\gexec) cat "$STUBS/answers" ;;
        *"state <> 'idle'"*) echo 0 ;;
        *BROKEN*) printf 'WARNING:  old\nERROR:  syntax error\nHINT:  none\n' >&2; exit 3 ;;
        *'DROP DATABASE'*)
          [ -z "${STAYS:-}" ] || { printf 'ERROR:  %s\nDETAIL:  1\n' "$STAYS" >&2; exit 3; }
          ;;
        'SELECT d.datname'*) [ -z "${HALF:-}" ] || echo "$HALF" ;;
      esac
    done
    ;;
esac
"""
PG_DUMP = """\
#!/bin/bash
printf 'PGDMP\\n'
eval "${DUMPING:-true}"
printf 'the end\\0\\0\\0\\0\\0'
"""
PG_RESTORE = """\
#!/bin/bash
printf 'pg_restore %s\\n' "$*" >>"$STUBS/asked"
cat >/dev/null
no() { echo "pg_restore: error: $1" >&2; exit 1; }
case $* in
  *--exit-on-error*) [ -z "${REFUSED:-}" ] || no "$REFUSED" ;;
  *-l*)
    printf ';     Format: CUSTOM\\n'
    printf '%s; 2 3 %s\\n' 1 'EXTENSION - vector ' 2 'TABLE public users app'
    ;;
esac
"""
SNAPSHOT = "--snapshot=00000003-1"


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that stand before the machine's own."""
    folder = tmp_path / "stubs"
    folder.mkdir()
    answers = [json.dumps(answer) for answer in json.loads(ANSWERS)["content"]]
    (folder / "answers").write_text("\n".join(answers) + "\n")
    for name, text in {
        "docker": DOCKER,
        "psql": PSQL,
        "pg_dump": PG_DUMP,
        "pg_restore": PG_RESTORE,
    }.items():
        program(folder, name, text)
    program(folder, "pg_isready", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("STUBS", str(folder))
    # The scripts sweep what died runs left there: those of other tests on this machine are none.
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return folder


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def host(stubs: Path, tmp_path: Path) -> Host:
    """A server whose folder of backups is empty."""
    (tmp_path / "backups").mkdir()
    root = PurePosixPath(tmp_path)
    return Host(replace(SERVER, root=root, connection="local", compression="gzip"), Context())


def fresh(name: str = "db_20270001T000000Z.dump.gz") -> Backup:
    return replace(backup(1), name=name, bytes=0, sha256="", seconds=0.0, content=None, verified=0)


def take(host: Host, name: str = "db_20270001T000000Z.dump.gz") -> Backup:
    return postgres.take(host, DATABASE, fresh(name), 0, 0)


def folder(host: Host) -> Path:
    return Path(host.server.root / "backups")


def names(host: Host) -> list[str]:
    return sorted(path.name for path in folder(host).iterdir())


def log(stubs: Path) -> list[str]:
    return (stubs / "log").read_text().splitlines()


def asked(stubs: Path) -> list[str]:
    return (stubs / "asked").read_text().splitlines()


@pytest.fixture
def nothing_left(host: Host, tmp_path: Path) -> Iterator[None]:
    """No backup, no part of one and no temporary file stay."""
    yield
    assert names(host) == []
    assert list((tmp_path / "tmp").iterdir()) == []


# --- a backup


def test_a_backup_is_a_whole_file_and_a_manifest_that_only_the_owner_reads(host: Host) -> None:
    made = take(host)
    file = folder(host) / "db_20270001T000000Z.dump.gz"
    assert gzip.decompress(file.read_bytes()).startswith(b"PGDMP")
    assert names(host) == ["db_20270001T000000Z.dump.gz", "db_20270001T000000Z.dump.gz.json"]
    assert {path.stat().st_mode & 0o777 for path in folder(host).iterdir()} == {0o600}
    assert (made.bytes, made.content) == (file.stat().st_size, CONTENT)
    assert (
        made.sha256
        == subprocess.run(
            ["sha256sum", str(file)], capture_output=True, text=True, check=True
        ).stdout.partition(" ")[0]
    )
    assert postgres.shelf(host).backups == (made,)


def test_what_is_counted_is_what_is_dumped(host: Host, stubs: Path) -> None:
    take(host)
    (dump,) = [line for line in log(stubs) if " pg_dump " in line]
    assert SNAPSHOT in dump
    lines = asked(stubs)
    begin = lines.index("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")
    assert lines.index("COMMIT;") > begin
    assert any("(SELECT revision)::text" in line for line in lines)


@pytest.mark.skipif(not shutil.which("zstd"), reason="this machine has no zstd")
def test_zstd_is_the_other_way_to_pack(host: Host) -> None:
    packed = Host(replace(host.server, compression="zstd"), Context())
    take(packed, "db_20270001T000000Z.dump.zst")
    done = subprocess.run(
        ["zstd", "-dc", str(folder(host) / "db_20270001T000000Z.dump.zst")],
        capture_output=True,
        check=True,
    )
    assert done.stdout.endswith(b"the end\0\0\0\0\0")


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("echo 'pg_dump: error: connection lost' >&2; exit 1", "pg_dump ended with 1: pg_dump: er"),
        ("kill -KILL $$", "pg_dump ended with 137:"),
        (
            "exit 0",
            "the dump has no end: its last block is missing",
        ),
    ],
)
def test_a_dump_that_ends_early_is_no_backup(
    host: Host, monkeypatch: pytest.MonkeyPatch, what: str, message: str
) -> None:
    monkeypatch.setenv("DUMPING", what)
    with pytest.raises(Trouble) as caught:
        take(host)
    assert caught.value.message.startswith(f"ubuntu: no backup was made: {message}")
    assert caught.value.code == FAILED


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gzip", "cat >/dev/null; echo 'gzip: broken' >&2; exit 1", "gzip ended with 1: gzip: br"),
        ("gzip", "echo 'gzip: broken' >&2; exit 1", "gzip ended with 1: gzip: broken"),
        ("sha256sum", "cat >/dev/null; exit 2", "digest ended with 2:"),
        ("sync", "exit 1", "db_20270001T000000Z.dump.gz.part cannot be written to the disk"),
    ],
)
def test_every_stage_must_end_well(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, message: str
) -> None:
    monkeypatch.setenv("DUMPING", "head -c 3000000 /dev/urandom | base64")
    program(stubs, name, f"#!/bin/sh\n{text}\n")
    with pytest.raises(Trouble) as caught:
        take(host)
    assert message in caught.value.message
    assert caught.value.code == FAILED


@pytest.mark.usefixtures("nothing_left")
def test_a_full_disk_while_writing_is_named_as_the_cause(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUMPING", "head -c 3000000 /dev/urandom | base64")
    tee = shutil.which("tee")
    program(
        stubs,
        "tee",
        f'#!/bin/sh\ncase $1 in *.part) exec {tee} /dev/full ;; *) exec {tee} "$@" ;; esac\n',
    )
    with pytest.raises(Trouble, match=r"write ended with 1: .*No space left on device$") as caught:
        take(host)
    assert caught.value.code == FAILED


@pytest.mark.usefixtures("nothing_left")
def test_questions_that_are_not_answered_are_no_backup(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "CONTENT", "BROKEN")
    with pytest.raises(Trouble, match=r"the questions were not answered: ERROR:  syntax error$"):
        take(host)


@pytest.mark.usefixtures("nothing_left")
def test_without_room_for_it_nothing_is_tried(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDS", str(1 << 60))
    with pytest.raises(Trouble, match=r"MiB are free in .*, the backup may take") as caught:
        take(host)
    assert caught.value.code == REFUSED
    assert not [line for line in log(stubs) if "pg_dump" in line]


@pytest.mark.usefixtures("nothing_left")
def test_a_stopped_container_is_refused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNING", "false")
    with pytest.raises(Trouble, match=r"container app-db is not running$") as caught:
        take(host)
    assert caught.value.code == REFUSED


def test_of_two_at_once_the_second_says_so(host: Host) -> None:
    held = subprocess.Popen(
        ["flock", "--no-fork", str(folder(host)), "sh", "-c", "echo held; read line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert held.stdout is not None
    held.stdout.readline()
    try:
        with pytest.raises(Trouble, match=r"another backup, check or clean-up is running$") as two:
            take(host)
        assert two.value.code == REFUSED
        with pytest.raises(Trouble, match="another check or a clean-up is running"):
            postgres.try_restore(host, DATABASE, backup(1))
        with pytest.raises(Trouble, match="nothing was removed"):
            postgres.remove(host, ["db_20270001T000000Z.dump.gz"])
    finally:
        held.communicate(b"\n", timeout=10)
    assert take(host).name == "db_20270001T000000Z.dump.gz"


def test_a_name_that_is_taken_is_never_written_over(host: Host) -> None:
    first = take(host)
    with pytest.raises(Trouble, match=r"db_20270001T000000Z\.dump\.gz is there already$"):
        take(host)
    assert postgres.shelf(host).backups == (first,)


def test_what_a_died_run_left_is_swept_and_never_counts(host: Host) -> None:
    (folder(host) / "db_20270000T000000Z.dump.gz.part").write_text("half of")
    found = postgres.shelf(host)
    assert (found.backups, found.strays) == ((), {})
    take(host)
    assert names(host) == ["db_20270001T000000Z.dump.gz", "db_20270001T000000Z.dump.gz.json"]


# --- a check


@pytest.fixture
def made(host: Host) -> Backup:
    return take(host)


def try_it(host: Host, made: Backup) -> Callable[[], object]:
    return lambda: postgres.try_restore(host, DATABASE, made)


def test_a_check_restores_apart_and_tells_what_came_back(
    host: Host, stubs: Path, made: Backup
) -> None:
    assert postgres.try_restore(host, DATABASE, made) == []
    (ran,) = [line for line in log(stubs) if line.startswith("run ")]
    assert "--network none" in ran
    assert "sha256:aa" in ran
    assert "PASSWORD" not in ran
    user, password = (stubs / "environment").read_text().splitlines()
    assert user == "POSTGRES_USER=app"
    assert re.fullmatch(r"POSTGRES_PASSWORD=[0-9a-f]{48}", password)
    (restored,) = [line for line in asked(stubs) if "--exit-on-error" in line]
    assert re.search(r" -U wishwithme_restore_[0-9a-f]{16} -d restored$", restored)
    assert not (stubs / "throwaway").exists()


@pytest.mark.parametrize("how", ["flip", "truncate"])
def test_a_file_that_changed_since_is_not_restored(
    host: Host, stubs: Path, made: Backup, how: str
) -> None:
    file = folder(host) / made.name
    content = bytearray(file.read_bytes())
    if how == "flip":
        content[len(content) // 2] ^= 1
    file.write_bytes(content if how == "flip" else content[:-20])
    with pytest.raises(Trouble, match=r"was changed since it was written") as caught:
        try_it(host, made)()
    assert caught.value.code == FAILED
    assert "CREATE DATABASE" not in (stubs / "asked").read_text()
    assert not (stubs / "throwaway").exists()


def test_a_restore_that_fails_is_told_and_cleaned_up(
    host: Host, stubs: Path, made: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "CONTENT", "BROKEN")
    with pytest.raises(Trouble, match=r"cannot be restored: .*syntax error$") as caught:
        try_it(host, made)()
    assert caught.value.code == FAILED
    assert not (stubs / "throwaway").exists()


def test_a_dump_that_may_not_do_what_it_wants_is_one_line_and_its_role_is_gone(
    host: Host, stubs: Path, made: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSED", "could not execute query: ERROR:  permission denied")
    with pytest.raises(Trouble) as caught:
        postgres.load(host, DATABASE, made, "drill", "")
    assert caught.value.message == (
        f"ubuntu: {made.name} cannot be restored: pg_restore ended with 1: pg_restore: error:"
        " could not execute query: ERROR:  permission denied"
    )
    assert [line for line in asked(stubs) if "REASSIGN" in line] == []
    last = asked(stubs)[-3:]
    assert last[0] == 'DROP DATABASE IF EXISTS :"name" WITH (FORCE);'
    assert last[1].startswith("SELECT d.datname FROM pg_database d JOIN pg_roles r")
    assert last[2].startswith("SELECT format('DROP ROLE %I', r.rolname)")


def test_a_clean_up_that_fails_follows_the_cause_and_stands_in_nobodys_way(
    host: Host, stubs: Path, made: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSED", "could not execute query: ERROR:  permission denied")
    monkeypatch.setenv("STAYS", 'database "drill" is being used by logical replication')
    with pytest.raises(Trouble) as caught:
        postgres.load(host, DATABASE, made, "drill", "")
    assert caught.value.message == (
        f"ubuntu: {made.name} cannot be restored: pg_restore ended with 1: pg_restore: error:"
        " could not execute query: ERROR:  permission denied; database drill, half restored, cannot"
        ' be removed: ERROR:  database "drill" is being used by logical replication'
    )
    assert caught.value.evidence == ()
    assert asked(stubs)[-1].startswith("SELECT format('DROP ROLE %I', r.rolname)")
    monkeypatch.delenv("REFUSED")
    monkeypatch.setenv("HALF", "drill")
    assert postgres.load(host, DATABASE, made, "other", "") == []


def test_a_restore_asks_as_a_session_asked_there(host: Host, stubs: Path) -> None:
    """The settings that are somebody's own come from the live database, never from a manifest."""
    made = take(host)
    (stubs / "asked").unlink()
    (stubs / "log").unlink()
    assert postgres.load(host, DATABASE, made, "drill", "") == []
    there = json.dumps({"session": CONTENT.session, "locale": CONTENT.locale})
    assert [line for line in log(stubs) if f"there={there}" in line]
    assert [line for line in asked(stubs) if "%.%" in line]


WARNING = "pg_dump: warning: there are circular foreign-key constraints"
DETAIL = "pg_dump: detail: Query was: LOCK TABLE users"
CAUSES = {
    "a warning before it": f"{WARNING}\npg_dump: error: connection lost\n{DETAIL}",
    "a warning of the server": "WARNING:  it is old\nERROR:  connection lost\nHINT:  run it again",
    "a line of the log": "2026-01-01 LOG:  starts\n2026-01-01 FATAL:  connection lost\n LOG:  ends",
    "of nginx": "nginx: [warn] it is old\nnginx: [emerg] connection lost\nnginx: test failed",
    "of a tool that has no word for it": "tee: x: connection lost",
    "a warning behind it": f"gzip: connection lost\n{WARNING}",
}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("text", CAUSES.values(), ids=CAUSES)
def test_the_line_that_tells_the_cause_is_the_one_that_is_shown(
    host: Host, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("DUMPING", f"printf '%s\\n' '{text}' >&2; exit 1")
    with pytest.raises(Trouble) as caught:
        take(host)
    (line,) = [line for line in text.split("\n") if "connection lost" in line]
    assert caught.value.message == f"ubuntu: no backup was made: pg_dump ended with 1: {line}"


def test_what_came_back_differently_is_given_to_nobody(
    host: Host, stubs: Path, made: Backup
) -> None:
    """Owners and rights are brought back last: nothing of it runs as the superuser before."""
    other = replace(made, answered="00" * 32)
    assert postgres.load(host, DATABASE, other, "drill", "") == ["its answers differ"]
    assert [line for line in asked(stubs) if "REASSIGN" in line] == []


def test_a_dump_is_never_given_to_psql(host: Host, stubs: Path, made: Backup) -> None:
    (stubs / "asked").unlink()
    assert postgres.load(host, DATABASE, made, "drill", "") == []
    assert [line for line in asked(stubs) if "PGDMP" in line or "the end" in line] == []
    kept = [line for line in log(stubs) if " -L /tmp/wishwithme_restore_" in line]
    assert len(kept) == 1
    assert " env -i " in kept[0]
    assert kept[0].startswith("exec -i -u 65534:65534 app-db sh -c ")


def test_a_throwaway_that_a_died_check_left_is_removed_first(
    host: Host, stubs: Path, made: Backup
) -> None:
    (stubs / "throwaway").write_text("old\n")
    try_it(host, made)()
    removed = [line for line in log(stubs) if line.startswith("rm ")]
    assert removed == ["rm -f -v old", "rm -f -v throwaway"]


def test_a_postgresql_that_does_not_start_is_a_failure(
    host: Host, stubs: Path, made: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(stubs, "pg_isready", "#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(postgres, "PATIENCE", 1)
    with pytest.raises(Trouble, match=r"did not start within 1 s$"):
        try_it(host, made)()
    monkeypatch.setenv("RUNNING", "false")
    with pytest.raises(Trouble, match=r"the throwaway PostgreSQL ended:"):
        try_it(host, made)()
    assert not (stubs / "throwaway").exists()


def test_removing_takes_the_manifest_and_the_file(host: Host) -> None:
    take(host)
    take(host, "db_20270002T000000Z.dump.gz")
    postgres.remove(host, ["db_20270001T000000Z.dump.gz"])
    assert names(host) == ["db_20270002T000000Z.dump.gz", "db_20270002T000000Z.dump.gz.json"]


# --- a swap


@pytest.fixture
def swap(host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch) -> Swap:
    """A swap behind a proxy that answers what its folder says."""
    (stubs / "proxy").symlink_to(host.server.root / "proxy")
    Path(host.server.root / "proxy").mkdir()
    program(stubs, "nginx", NGINX)
    program(stubs, "curl", '#!/bin/sh\ncat "$STUBS/proxy/generation.conf"\n')
    monkeypatch.setattr(databases, "SWAP", databases.SWAP.replace("KEPT=11", "KEPT=0"))
    return Swap(
        live="app",
        aside="app_old",
        incoming="app_new",
        proxy="app-proxy",
        address="10.0.0.9",
        held="return 503;",
        proof="0f",
        epoch="0f",
    )


THERE = "first=app -v second=app_old -v third=app_new -v fourth=app"
BACK = "first=app -v second=app_new -v third=app_old -v fourth=app"


def told(stubs: Path, name: str) -> list[str]:
    file = stubs / name
    return [line.strip() for line in file.read_text().splitlines()] if file.exists() else []


def test_callers_are_held_while_both_names_change_and_let_in_again(
    host: Host, stubs: Path, swap: Swap
) -> None:
    databases.swap(host, DATABASE, swap)
    assert told(stubs, "names") == [THERE]
    assert told(stubs, "loads") == ["generation.conf hold.conf", "generation.conf"]
    assert told(stubs, "proxy/generation.conf") == ["0flifted"]
    # A proxy that starts anew at any later time holds nobody.
    assert not (stubs / "proxy" / "hold.conf").exists()


def test_names_change_once_no_connection_that_a_client_kept_can_bring_another_request(
    host: Host, stubs: Path, swap: Swap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker from before the load that holds callers lets them in, whoever has one open there."""
    monkeypatch.setattr(databases, "SWAP", databases.SWAP.replace("KEPT=0", "KEPT=3"))
    program(stubs, "nginx", NGINX.replace("ls ", 'touch -d "2 seconds" "$STUBS/until"; ls '))
    early = '    [ "$STUBS/until" -ot "$STUBS/names" ] || touch "$STUBS/early"\n'
    names = "    printf '%s\\n' \"$*\" | grep -o 'first=.*' >>\"$STUBS/names\"\n"
    assert names in PSQL
    program(stubs, "psql", PSQL.replace(names, names + early))
    databases.swap(host, DATABASE, swap)
    assert told(stubs, "names") == [THERE]
    assert not (stubs / "early").exists()


def test_a_swap_that_is_refused_changes_no_name_and_lets_callers_in(
    host: Host, stubs: Path, swap: Swap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSED_NAME", 'database "app_old" already exists')
    with pytest.raises(Trouble, match=r"not swapped: the names .*app_old\" already exists$") as no:
        databases.swap(host, DATABASE, swap)
    assert no.value.code == FAILED
    assert told(stubs, "names") == [THERE]
    assert told(stubs, "loads")[-1] == "generation.conf"


def test_a_migration_that_fails_gives_the_names_back(host: Host, stubs: Path, swap: Swap) -> None:
    command = ("sh", "-c", "echo unknown revision; exit 1")
    with pytest.raises(Trouble, match=r"migration of what came back failed: unknown revision$"):
        databases.swap(host, DATABASE, replace(swap, command=command))
    assert told(stubs, "names") == [THERE, BACK]
    assert told(stubs, "loads") == ["generation.conf hold.conf", "generation.conf"]


def test_a_proxy_that_cannot_hold_changes_nothing(
    host: Host, stubs: Path, swap: Swap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSES", "yes")
    with pytest.raises(Trouble, match="the proxy cannot hold callers"):
        databases.swap(host, DATABASE, swap)
    assert told(stubs, "names") == told(stubs, "loads") == []
    assert not (stubs / "proxy" / "hold.conf").exists()


def test_without_a_live_database_only_the_incoming_one_gets_a_name(
    host: Host, stubs: Path, swap: Swap
) -> None:
    databases.swap(host, DATABASE, replace(swap, aside="", proxy=""))
    assert told(stubs, "names") == ["first=app -v second= -v third=app_new -v fourth=app"]
    assert told(stubs, "loads") == []
