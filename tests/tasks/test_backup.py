"""db.backup, db.verify, db.list, db.prune: from the command line to what stands on the server."""

from __future__ import annotations

import pytest

from .fakes.application import PASSWORD
from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import ROOT
from .shelves import backed_up, shelf


def test_a_backup_is_one_line_and_says_what_it_was_made_of(filled: Fleet) -> None:
    ran = filled.fab("db.backup")
    assert ran.code == 0, ran.everything
    (made,) = shelf(filled)
    assert ran.out == (
        f"[ubuntu] backup {made.name} (3.9 KiB, 3 rows, 1.5 s); fab db.verify restores it\n"
    )
    release = filled.releases("ubuntu")[-1]
    assert (made.number, made.reason, made.database) == (made.taken + 1, "by hand", "app")
    assert (made.commit, made.release) == (release.commit, release.id)
    assert (made.who, made.verified) == ("somebody (CI run 7)", 0)
    assert filled.ubuntu.did == [f"backup {made.name}"]
    assert filled.montreal.transcript == []


def test_quiet_shows_nothing_when_all_is_well_and_one_line_when_not(filled: Fleet) -> None:
    ran = filled.fab("db.backup --quiet")
    assert (ran.code, ran.everything) == (0, "")
    filled.ubuntu.fail("backup db_", ended=Ended(70, err="noise\npg_dump ended with 1: gone\n"))
    ran = filled.fab("db.backup --quiet")
    assert (ran.code, ran.error) == (1, "ubuntu: no backup was made: pg_dump ended with 1: gone")


@pytest.mark.parametrize(
    ("code", "exit_code"), [(70, 1), (143, 1), (124, 1), (74, 2), (75, 2), (76, 2)]
)
def test_what_was_not_tried_is_exit_2_and_what_failed_exit_1(
    filled: Fleet, code: int, exit_code: int
) -> None:
    filled.ubuntu.fail("backup db_", ended=Ended(code, err="the cause\n"))
    assert filled.fab("db.backup").code == exit_code
    assert shelf(filled) == []


def test_no_secret_goes_by_words(filled: Fleet) -> None:
    backed_up(filled)
    ran = filled.fab("db.verify")
    assert ran.code == 0, ran.everything
    assert PASSWORD not in ran.everything
    assert not [word for words in filled.ubuntu.transcript for word in words if PASSWORD in word]
    assert not [text for text in filled.ubuntu.inputs if PASSWORD in text]


def test_a_packer_that_the_server_lacks_is_named_with_its_remedy(filled: Fleet) -> None:
    filled.ubuntu.missing_programs = ("zstd",)
    with filled.untouched():
        ran = filled.fab("db.backup")
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu: zstd is missing on the server; install it: sudo apt-get install zstd,"
            " or choose another compression in hosts.ini (docs/hosts.md)"
        ),
    )
    filled.hosts.write_text(
        filled.hosts.read_text().replace("branch", "compression = gzip\nbranch")
    )
    assert filled.fab("db.backup").code == 0
    assert shelf(filled)[0].name.endswith(".dump.gz")


def test_a_stopped_database_is_refused(filled: Fleet) -> None:
    filled.ubuntu.engine.containers["app-db"].state = "exited"
    ran = filled.fab("db.backup")
    assert (ran.code, ran.error) == (2, "ubuntu: container app-db is exited")


def test_a_fleet_without_a_database_says_what_is_missing(running: Fleet) -> None:
    ran = running.fab("db.backup")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu, montreal: no service has x-deploy 'database' in its compose file (docs/backup.md)",
    )
    assert running.fab("db.list --on montreal").error.startswith("montreal: no service has")


def test_a_backup_that_shrank_is_a_warning(filled: Fleet) -> None:
    filled.ubuntu.rows = {"public.users": 300}
    (first,) = backed_up(filled)
    assert filled.fab("db.verify").code == 0
    filled.ubuntu.rows = {"public.users": 3}
    ran = filled.fab("db.backup --quiet")
    assert ran.code == 0
    assert ran.lines == [
        (
            f"[ubuntu] warning: {shelf(filled)[1].name} has 4000 bytes, the verified {first}"
            " had 301000; was data lost?"
        )
    ]


# --- verify


def test_a_verified_backup_says_so_in_its_manifest(filled: Fleet) -> None:
    (name,) = backed_up(filled)
    filled.forget()
    ran = filled.fab("db.verify")
    assert ran.code == 0, ran.everything
    assert ran.lines[-1].startswith(f"[ubuntu] verified {name} (")
    assert shelf(filled)[0].verified == filled.ubuntu.clock
    assert filled.ubuntu.did == [f"verify {name}", f"put {name}.json"]


def test_what_came_back_differently_is_a_failure_that_is_remembered(filled: Fleet) -> None:
    (name,) = backed_up(filled)
    filled.ubuntu.dumps[name] = {"public.users": 2, "public.ghost": 0}
    manifest = f"{ROOT}/backups/{name}.json"
    text = filled.ubuntu.files[manifest].replace('"bytes": 4000', '"bytes": 3000')
    filled.ubuntu.files[manifest] = text
    ran = filled.fab("db.verify")
    assert (ran.code, ran.error) == (1, f"ubuntu: {name} came back differently")
    assert ran.evidence == [
        "table public.users has 2 rows, not 3",
        "table public.ghost is new",
    ]
    assert shelf(filled)[0].failure == "; ".join(ran.evidence)
    assert shelf(filled)[0].verified == 0


def test_a_backup_that_cannot_be_restored_is_remembered_and_one_not_tried_is_not(
    filled: Fleet,
) -> None:
    (name,) = backed_up(filled)
    filled.ubuntu.fail("verify", ended=Ended(75, err="a backup is running\n"), times=1)
    assert filled.fab("db.verify").code == 2
    assert shelf(filled)[0].failure == ""
    filled.ubuntu.fail("verify", ended=Ended(65, err="it was changed\n"), times=1)
    ran = filled.fab("db.verify")
    assert (ran.code, ran.error) == (1, f"ubuntu: {name} cannot be restored: it was changed")
    assert shelf(filled)[0].failure == ran.error


def test_a_backup_is_chosen_by_name_and_a_wrong_one_is_refused(filled: Fleet) -> None:
    first, second = backed_up(filled, 2)
    assert filled.fab(f"db.verify --from {first}").code == 0
    assert [bool(backup.verified) for backup in shelf(filled)] == [True, False]
    ran = filled.fab("db.verify --from nothing")
    assert (ran.code, ran.error) == (2, "ubuntu: no backup 'nothing'; fab db.list lists them")
    del filled.ubuntu.dumps[second]
    ran = filled.fab(f"db.verify --from {second}")
    assert (ran.code, ran.error) == (2, f"ubuntu: {second} does not count: its file is gone")


def test_without_any_backup_there_is_nothing_to_verify(filled: Fleet) -> None:
    ran = filled.fab("db.verify")
    assert (ran.code, ran.error) == (2, "ubuntu: no backup; fab db.list lists them")


# --- list and prune


def test_the_list_tells_which_are_verified_and_why_they_stay(filled: Fleet) -> None:
    first, second = backed_up(filled, 2)
    assert filled.fab(f"db.verify --from {first}").code == 0
    found = filled.fab("db.list --json").json
    assert [(b["name"], b["stays"], b["why"]) for b in found["backups"]] == [
        (second, True, "newer than the newest verified one"),
        (first, True, "the newest verified one"),
    ]
    assert found["strays"] == {}
    table = filled.fab("db.list").out
    assert table.index(second) < table.index(first)


def test_a_stray_file_is_named(filled: Fleet) -> None:
    (name,) = backed_up(filled)
    del filled.ubuntu.dumps[name]
    ran = filled.fab("db.list")
    assert ran.code == 0
    assert f"[ubuntu] warning: {name} does not count: its file is gone" in ran.lines


@pytest.fixture
def old(filled: Fleet) -> Fleet:
    """Ten verified backups of as many days, of which two stay."""
    text = filled.hosts.read_text()
    settings = "keep_daily = 2\nkeep_weekly = 0\nkeep_monthly = 0\n"
    filled.hosts.write_text(text.replace("branch", f"{settings}branch"))
    for name in backed_up(filled, 4):
        assert filled.fab(f"db.verify --from {name}").code == 0
    filled.forget()
    return filled


def test_prune_removes_what_no_place_needs(old: Fleet) -> None:
    names = [backup.name for backup in shelf(old)]
    ran = old.fab("db.prune")
    assert ran.code == 0, ran.everything
    assert [backup.name for backup in shelf(old)] == names[2:]
    assert ran.lines == [
        f"[ubuntu] remove {names[0]}: its place has a newer one",
        f"[ubuntu] remove {names[1]}: its place has a newer one",
        "[ubuntu] 2 to remove, 2 stay",
    ]
    assert old.ubuntu.did == [f"remove-backups {names[0]} {names[1]}"]


@pytest.mark.parametrize("flags", ["", " --dry-run --yes"])
def test_on_a_terminal_prune_only_shows_unless_it_is_told(old: Fleet, flags: str) -> None:
    with old.untouched():
        ran = old.fab_on_a_terminal(f"db.prune{flags}", "")
    assert ran.lines[-1] == "[ubuntu] 2 to remove, 2 stay; --yes removes them"
    assert old.fab_on_a_terminal("db.prune --yes", "").code == 0
    assert len(shelf(old)) == 2


# --- before a migration


@pytest.fixture
def pending(filled: Fleet) -> Fleet:
    """The branch has a migration that the server has not."""
    filled.origin.commit("Second", {"services/api/schema": "002\n"})
    return filled


def test_before_a_migration_a_verified_backup_is_taken_and_named(pending: Fleet) -> None:
    ran = pending.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    (made,) = shelf(pending)
    release = pending.releases("ubuntu")[-1]
    assert (release.backup, release.schema) == (made.name, "002")
    assert made.reason == f"before {release.id}"
    assert made.verified
    assert made.content is not None
    assert made.content.revision == "001"
    did = pending.ubuntu.did
    assert did.index(f"verify {made.name}") < did.index("compose run api migrate up")
    assert f"[ubuntu] ✓ backup db ({made.name}, restored and equal)" in ran.lines
    shown = pending.fab(f"ubuntu.history --show {release.id}")
    assert f"[ubuntu] backup: {made.name}" in shown.lines


def test_that_backup_stays_while_its_release_can_be_gone_back_to(pending: Fleet) -> None:
    text = pending.hosts.read_text()
    settings = "keep_daily = 1\nkeep_weekly = 0\nkeep_monthly = 0\n"
    pending.hosts.write_text(text.replace("branch", f"{settings}branch"))
    assert pending.fab("ubuntu.deploy").code == 0
    (first,) = shelf(pending)
    pending.ubuntu.clock += 86400
    backed_up(pending)
    assert pending.fab("db.verify").code == 0
    found = pending.fab("db.list --json").json["backups"]
    assert found[1]["name"] == first.name
    assert found[1]["why"] == "made before a release that can be gone back to"


def test_without_a_pending_migration_none_is_taken(filled: Fleet) -> None:
    filled.origin.commit("Second", {"services/api/app.py": "api, second version\n"})
    ran = filled.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert "[ubuntu] ✓ backup db (nothing pending)" in ran.lines
    assert shelf(filled) == []
    assert filled.releases("ubuntu")[-1].backup == ""


def test_an_empty_database_needs_none(pending: Fleet) -> None:
    pending.ubuntu.rows = {}
    ran = pending.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert "[ubuntu] ✓ backup db (the database is empty)" in ran.lines
    assert shelf(pending) == []


@pytest.mark.parametrize("pattern", ["^backup db_", "^verify db_"])
def test_without_a_verified_backup_nothing_migrates_and_nothing_is_touched(
    pending: Fleet, pattern: str
) -> None:
    pending.ubuntu.fail(pattern, ended=Ended(70, err="pg_dump ended with 1\n"))
    before = {name: c.id for name, c in pending.ubuntu.engine.containers.items()}
    ran = pending.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("pg_dump ended with 1; the running system was not touched")
    assert pending.ubuntu.schema == "001"
    assert {name: c.id for name, c in pending.ubuntu.engine.containers.items()} == before
    release = pending.releases("ubuntu")[-1]
    assert (release.outcome, release.error.partition(":")[0]) == ("failed", "backup db")


def test_a_stopped_database_is_secured_after_its_start_and_before_the_migration(
    pending: Fleet,
) -> None:
    pending.ubuntu.engine.containers["app-db"].state = "exited"
    ran = pending.fab("ubuntu.deploy --restart-data")
    assert ran.code == 0, ran.everything
    (made,) = shelf(pending)
    assert pending.releases("ubuntu")[-1].backup == made.name
    did = pending.ubuntu.did
    assert did.index("compose up db") < did.index(f"verify {made.name}")
    assert did.index(f"verify {made.name}") < did.index("compose run api migrate up")


def test_a_missing_packer_is_a_precondition_of_such_a_deploy(pending: Fleet) -> None:
    pending.ubuntu.missing_programs = ("zstd",)
    with pending.untouched():
        ran = pending.fab("ubuntu.deploy")
    assert ran.code == 2
    assert ran.error.startswith("ubuntu: zstd is missing on the server; install it")


def test_a_dry_run_backs_nothing_up(pending: Fleet) -> None:
    with pending.untouched():
        ran = pending.fab("ubuntu.deploy --dry-run")
    assert ran.code == 0, ran.everything


# --- status


def test_the_status_tells_when_the_last_backup_is_not_enough(filled: Fleet) -> None:
    assert "[ubuntu] backup: there is no backup" in filled.fab("status").lines
    (name,) = backed_up(filled)
    filled.ubuntu.clock -= 86400
    found = filled.fab("status --json").json
    assert found["montreal"]["backup"] is None
    assert found["ubuntu"]["backup"] == {
        "name": name,
        "taken": shelf(filled)[0].taken,
        "verified": 0,
        "stale": "",
    }
    filled.ubuntu.clock += 27 * 3600
    assert f"[ubuntu] backup: the last backup, {name}, is 27 h old" in filled.fab("status").lines
    filled.ubuntu.fail("verify", ended=Ended(65, err="it was changed\n"))
    filled.fab("db.verify")
    assert filled.fab("status --json").json["ubuntu"]["backup"]["stale"] == (
        f"the last backup, {name}, failed its check: ubuntu: {name} cannot be restored:"
        " it was changed"
    )
