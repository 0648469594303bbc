"""The schema in deploys and rollbacks: asked first, shown, secured, never moved by surprise."""

from __future__ import annotations

import pytest

from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .shelves import shelf

NOT_NULL = "ALTER TABLE items ADD note text NOT NULL;"
TAKE = "ALTER TABLE items DROP COLUMN note;"
LOSE = "DROP TABLE waiting; ALTER TABLE items ADD status text;"
MAKE = "CREATE TABLE waiting (id int);"


def pushed(fleet: Fleet, subject: str, schema: str, up: str = "", down: str = "") -> None:
    """A commit whose image wants another schema, moved by these scripts."""
    files = {"schema": f"{schema}\n", "up.sql": up, "down.sql": down}
    fleet.origin.commit(subject, {f"services/api/{name}": text for name, text in files.items()})


def moved(fleet: Fleet, up: str = "", down: str = "") -> Fleet:
    """The second release is verified, and the schema is its own."""
    pushed(fleet, "Third", "002", up, down)
    ran = fleet.fab("ubuntu.deploy --allow-destructive")
    assert ran.code == 0, ran.everything
    assert fleet.ubuntu.schema == "002"
    fleet.forget()
    return fleet


# --- deploy


def test_a_destructive_migration_is_refused_once_its_image_can_be_asked(filled: Fleet) -> None:
    pushed(filled, "Third", "002", f"{LOSE}{NOT_NULL}")
    before = {name: c.id for name, c in filled.ubuntu.engine.containers.items()}
    ran = filled.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu: the migration 001 → 002 is destructive; --allow-destructive runs it after a"
            " verified backup; the running system was not touched"
        ),
    )
    assert ran.evidence == [
        "migration 001 → 002 drops table waiting",
        "migration 001 → 002 adds items.note not null without a default",
    ]
    assert ran.next == []
    assert shelf(filled) == []
    assert filled.ubuntu.schema == "001"
    assert {name: c.id for name, c in filled.ubuntu.engine.containers.items()} == before
    assert filled.releases("ubuntu")[-1].outcome == "failed"


def test_from_then_on_the_plan_shows_it_and_refuses_too(filled: Fleet) -> None:
    pushed(filled, "Third", "002", LOSE)
    filled.fab("ubuntu.deploy")
    for task in ("ubuntu.plan", "plan", "ubuntu.deploy", "deploy"):
        with filled.untouched():
            ran = filled.fab(task)
        assert (ran.code, ran.evidence) == (2, ["migration 001 → 002 drops table waiting"])
    shown = filled.fab("ubuntu.plan --allow-destructive")
    assert "[ubuntu] warning: migration 001 → 002 drops table waiting" in shown.lines


@pytest.mark.parametrize("task", ["ubuntu.deploy", "deploy"])
def test_with_the_word_it_is_shown_secured_and_run(filled: Fleet, task: str) -> None:
    pushed(filled, "Third", "002", LOSE)
    ran = filled.fab(f"{task} --allow-destructive")
    assert ran.code == 0, ran.everything
    assert "[ubuntu] ✓ review api (001 → 002, drops table waiting)" in ran.lines
    (made,) = shelf(filled)
    assert filled.releases("ubuntu")[-1].backup == made.name
    assert filled.ubuntu.schema == "002"


@pytest.mark.parametrize("script", ["IRREVERSIBLE", "no SQL at all"])
def test_what_nobody_can_judge_needs_the_word_too(filled: Fleet, script: str) -> None:
    pushed(filled, "Third", "002", script)
    ran = filled.fab("ubuntu.deploy")
    assert ran.code == 2
    assert "judge" in ran.evidence[0]
    assert filled.fab("ubuntu.deploy --allow-destructive").code == 0


def test_a_database_that_does_not_run_is_judged_before_it_is_migrated(filled: Fleet) -> None:
    pushed(filled, "Third", "002", LOSE)
    filled.ubuntu.engine.containers["app-db"].state = "exited"
    ran = filled.fab("ubuntu.deploy --restart-data")
    assert ran.code == 1, ran.everything
    assert "the migration 001 → 002 is destructive" in ran.error
    assert filled.ubuntu.schema == "001"


SMOKE = "docker run app/api try import"


@pytest.mark.parametrize(("schema", "tried"), [("001", False), ("002", True)])
def test_a_new_image_starts_once_apart_where_a_migration_is_pending(
    filled: Fleet, schema: str, tried: bool
) -> None:
    """Else its replicas tell that it starts, before anybody asks them."""
    pushed(filled, "Third", schema)
    ran = filled.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    note = "" if tried else " (no migration is pending: its replicas are asked before they serve)"
    assert f"[ubuntu] ✓ smoke api{note}" in ran.lines
    assert (SMOKE in filled.ubuntu.did) == tried


def test_an_empty_database_has_nothing_to_lose(filled: Fleet) -> None:
    filled.ubuntu.schema = ""
    pushed(filled, "Third", "002", LOSE)
    ran = filled.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert "[ubuntu] ✓ review api (empty → 002)" in ran.lines


def test_older_code_that_does_not_know_the_schema_is_not_deployed(filled: Fleet) -> None:
    """``--ref`` older than what runs is a rollback in disguise."""
    moved(filled)
    with filled.untouched():
        ran = filled.fab("ubuntu.deploy --ref 00000002")
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu: the database is at revision 002, which the image of api does not know (its"
            " own is 001); to run an older release: fab ubuntu.rollback --help"
        ),
    )


def test_so_is_an_image_that_must_be_built_first(filled: Fleet) -> None:
    moved(filled)
    pushed(filled, "Fourth", "001", up="-- built anew")
    ran = filled.fab("ubuntu.deploy")
    assert ran.code == 2
    assert "which the image of api does not know (its own is 001)" in ran.error
    assert ran.error.endswith("; the running system was not touched")


def test_a_migration_that_waited_for_a_lock_says_so_in_one_line(filled: Fleet) -> None:
    pushed(filled, "Third", "002")
    canceled = "asyncpg.exceptions.LockNotAvailableError: canceling statement due to lock timeout\n"
    filled.ubuntu.fail("compose run api migrate up", ended=Ended(1, err=f"{canceled}[SQL: …]\n"))
    ran = filled.fab("ubuntu.deploy")
    assert ran.code == 1
    assert ran.error == (
        "ubuntu: the migration failed: another session holds a lock on what it changes (lock"
        " timeout); ubuntu is back at 00000002, proved"
    )


def test_a_migration_that_did_not_end_in_time_says_so(filled: Fleet) -> None:
    pushed(filled, "Third", "002")
    filled.ubuntu.fail("compose run api migrate up", ended=Ended(124))
    ran = filled.fab("ubuntu.deploy")
    assert ran.code == 1
    assert ran.error.startswith(
        "ubuntu: the migration failed: it did not end within 600 s and was ended; ubuntu is back"
    )


def times_asked(fleet: Fleet) -> int:
    """How often an image was asked for the revision that it wants."""
    return sum(words[-2:] == ("migrate", "target") for words in fleet.ubuntu.transcript)


def test_an_image_that_is_there_is_asked_once_unless_it_is_built_anew(filled: Fleet) -> None:
    filled.origin.commit("Third", {"services/api/app.py": "api, second version\n"})
    assert filled.fab("ubuntu.deploy").code == 0
    filled.forget()
    assert filled.fab("ubuntu.deploy --ref 00000002").code == 0
    assert times_asked(filled) == 1
    filled.forget()
    assert filled.fab("ubuntu.deploy --ref 00000002 --rebuild").code == 0
    assert times_asked(filled) == 2


def test_a_database_that_moved_since_the_plan_is_judged_again(filled: Fleet) -> None:
    filled.origin.commit("Third", {"services/api/app.py": "api, second version\n"})
    assert filled.fab("ubuntu.deploy").code == 0
    filled.ubuntu.fail(
        "worktree", times=1, goes_on=True, first=lambda: setattr(filled.ubuntu, "schema", "002")
    )
    ran = filled.fab("ubuntu.deploy --ref 00000002")
    assert ran.code == 2
    assert "the database is at revision 002, which the image of api does not know" in ran.error


def test_a_dry_run_backs_nothing_up_where_the_image_is_there_to_be_asked(filled: Fleet) -> None:
    pushed(filled, "Third", "002", LOSE)
    assert filled.fab("ubuntu.deploy").code == 2
    with filled.untouched():
        ran = filled.fab("ubuntu.deploy --dry-run --allow-destructive")
    assert ran.code == 0, ran.everything


# --- rollback


def test_a_schema_that_the_older_image_knows_stays_and_is_told(filled: Fleet) -> None:
    filled.origin.commit("Third", {"services/api/app.py": "api, second version\n"})
    assert filled.fab("ubuntu.deploy").code == 0
    release = filled.releases("ubuntu")[-2]
    ran = filled.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    told = f"[ubuntu] the database stays at revision 001, which release {release.id} knows"
    assert ran.lines.index(told) < ran.lines.index("[ubuntu] ✓ fetch 00000002")


def test_a_schema_that_it_does_not_know_is_refused_with_the_backup(filled: Fleet) -> None:
    moved(filled)
    release, (made,) = filled.releases("ubuntu")[-2], shelf(filled)
    with filled.untouched():
        ran = filled.fab("ubuntu.rollback")
    assert (ran.code, ran.error) == (
        2,
        (
            f"ubuntu: the database is at revision 002, which release {release.id} does not know;"
            " --migrations down takes it down to 001; to bring back what was before it: fab"
            " ubuntu.rollback --migrations keep, then fab db.restore --on ubuntu"
            f" --from {made.name}"
        ),
    )


def test_without_a_backup_of_before_that_is_said(filled: Fleet) -> None:
    filled.ubuntu.rows = {}
    moved(filled)
    assert filled.fab("ubuntu.rollback").error.endswith(
        "down to 001; no backup here is of a revision that it knows (fab db.list)"
    )


def test_kept_the_schema_stays_with_a_warning(filled: Fleet) -> None:
    moved(filled)
    release = filled.releases("ubuntu")[-2]
    ran = filled.fab("ubuntu.rollback --migrations keep")
    assert ran.code == 0, ran.everything
    assert (
        f"[ubuntu] warning: the database stays at revision 002, which release {release.id} does"
        " not know"
    ) in ran.lines
    assert (filled.ubuntu.schema, filled.releases("ubuntu")[-1].schema) == ("002", "002")


def test_down_is_secured_and_comes_after_the_code_that_needs_it(filled: Fleet) -> None:
    moved(filled, down=TAKE)
    ran = filled.fab("ubuntu.rollback --migrations down")
    assert ran.code == 0, ran.everything
    assert "[ubuntu] warning: the downgrade 002 → 001 drops column items.note" in ran.lines
    did = filled.ubuntu.did
    (lowered,) = [number for number, line in enumerate(did) if "migrate down 001" in line]
    assert did.index("start-beside api") < lowered
    made = shelf(filled)[-1]
    assert did.index(f"verify {made.name}") < did.index("start-beside api")
    release = filled.releases("ubuntu")[-1]
    assert (release.outcome, release.schema, release.backup) == ("verified", "001", made.name)
    assert filled.ubuntu.schema == "001"
    assert filled.ubuntu.worktrees == {}


def test_down_that_only_adds_comes_before_the_code_that_needs_it(filled: Fleet) -> None:
    moved(filled, down=MAKE)
    ran = filled.fab("ubuntu.rollback --migrations down")
    assert ran.code == 0, ran.everything
    did = filled.ubuntu.did
    (lowered,) = [number for number, line in enumerate(did) if "migrate down 001" in line]
    assert lowered < did.index("start-beside api")


def test_the_way_down_is_asked_of_what_was_deployed_wherever_the_branch_is(filled: Fleet) -> None:
    moved(filled, down=MAKE)
    pushed(filled, "Fourth", "003")
    ran = filled.fab("ubuntu.rollback --migrations down")
    assert ran.code == 0, ran.everything
    assert filled.ubuntu.schema == "001"


def test_what_the_migration_destroyed_does_not_come_back_unsaid(filled: Fleet) -> None:
    moved(filled, up=LOSE, down=MAKE)
    with filled.untouched():
        ran = filled.fab("ubuntu.rollback --migrations down")
    assert (ran.code, ran.evidence) == (2, ["drops table waiting"])
    assert ran.error.startswith(
        "ubuntu: what the migration 001 → 002 destroyed does not come back by a downgrade;"
        " --allow-destructive goes on without it; to bring back what was before it: fab"
    )
    ran = filled.fab("ubuntu.rollback --migrations down --allow-destructive")
    assert ran.code == 0, ran.everything
    assert (
        "[ubuntu] warning: the migration 001 → 002 drops table waiting: that does not come back"
    ) in ran.lines


def test_an_irreversible_migration_is_refused_with_its_own_words(filled: Fleet) -> None:
    moved(filled, down="IRREVERSIBLE")
    (made,) = shelf(filled)
    with filled.untouched():
        ran = filled.fab("ubuntu.rollback --migrations down")
    assert (ran.code, ran.evidence) == (2, ["002 is irreversible"])
    assert ran.error.startswith("ubuntu: the migration 001 → 002 is irreversible; to bring back")
    assert ran.error.endswith(f"--from {made.name}")


@pytest.mark.parametrize("down", [TAKE, MAKE])
@pytest.mark.parametrize(
    "pattern", ["compose run api migrate down", "^checkout", "^start-beside api"]
)
def test_a_rollback_that_fails_brings_code_and_schema_back(
    filled: Fleet, pattern: str, down: str
) -> None:
    moved(filled, down=down)
    now = filled.releases("ubuntu")[-1]
    filled.ubuntu.fail(pattern, times=1)
    ran = filled.fab("ubuntu.rollback --migrations down")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000003, proved")
    assert (filled.ubuntu.schema, filled.ubuntu.head) == ("002", now.commit)
    images = {c.service: c.image for c in filled.ubuntu.engine.containers.values()}
    assert images == {name: image.id for name, image in now.images.items()}
    assert filled.ubuntu.worktrees == {}


def test_after_a_failed_deploy_the_schema_can_be_taken_down_alone(filled: Fleet) -> None:
    """The code is back by itself, the schema is not; its image is still there."""
    pushed(filled, "Third", "002", down=TAKE)
    filled.ubuntu.fail("^start-beside api", times=1)
    assert filled.fab("ubuntu.deploy").code == 1
    assert (filled.ubuntu.schema, filled.ubuntu.head[:8]) == ("002", "00000002")
    filled.forget()
    ran = filled.fab("ubuntu.rollback --to 00000002 --migrations down")
    assert ran.code == 0, ran.everything
    assert filled.ubuntu.schema == "001"
    assert not [line for line in filled.ubuntu.did if line.startswith("compose up")]


def test_without_an_image_that_knows_the_schema_nothing_takes_it_down(filled: Fleet) -> None:
    moved(filled)
    filled.ubuntu.schema = "003"
    with filled.untouched():
        ran = filled.fab("ubuntu.rollback --migrations down")
    assert ran.code == 2
    assert ran.error.startswith(
        "ubuntu: no image that knows revision 003 is on the server any more, so nothing can take"
    )


def test_another_word_for_the_migrations_is_refused(filled: Fleet) -> None:
    with filled.untouched():
        ran = filled.fab("ubuntu.rollback --migrations up")
    assert (ran.code, ran.error) == (2, "--migrations 'up' is not down or keep")
