"""db.restore: what it replaces, what it keeps, and what a failure at every step leaves."""

from __future__ import annotations

import json
import re

import pytest

from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import ROOT
from .shelves import backed_up, shelf

GOOD = {"public.users": 3}
OWN = [
    {"right": {"own": "hidden", "of": None, "name": "app.key", "value": None}},
    {"right": {"own": "hidden", "of": "reader", "name": "app.key", "value": None}},
    {"right": {"own": "setting", "of": None, "name": "work_mem", "value": "8MB"}},
    {"right": {"own": "label", "name": "selinux"}},
    {"right": {"own": "tablespace", "name": "fast"}},
]
LOST: dict[str, int] = {"public.users": 0}


@pytest.fixture
def lost(filled: Fleet) -> Fleet:
    """A verified backup of three users, who are gone since."""
    backed_up(filled)
    assert filled.fab("db.verify").code == 0
    filled.ubuntu.rows = dict(LOST)
    filled.forget()
    return filled


def databases(fleet: Fleet) -> dict[str, dict[str, int]]:
    """The databases by name, without times."""
    found = fleet.ubuntu.databases.items()
    return {name.rstrip("0123456789"): rows for name, rows in found if name != "postgres"}


def test_a_backup_takes_the_place_of_the_database_and_the_old_one_stays(lost: Fleet) -> None:
    ran = lost.fab("db.restore --yes")
    assert ran.code == 0, ran.everything
    assert databases(lost) == {"app": GOOD, "app_before_": LOST}
    first, safety = shelf(lost)
    assert safety.reason == f"before {first.name} was restored"
    assert lost.ubuntu.did == [
        "compose run api migrate target",
        f"backup {safety.name}",
        f"load {first.name} app",
        "swap app app_before_ app_restored_",
    ]
    assert ran.lines[0].endswith(": 3 rows, schema 001; replaces database app")
    kept = next(name for name in lost.ubuntu.databases if "before" in name)
    assert ran.lines[-1] == (
        f"[ubuntu] point of return: fab db.restore --from {safety.name}; the database from before"
        f" is kept as {kept} until fab db.restore --drop-old"
    )


def with_own(fleet: Fleet) -> str:
    """The backup's name; its manifest tells also what the database itself had."""
    name = shelf(fleet)[0].name
    file = f"{ROOT}/backups/{name}.json"
    told = json.loads(fleet.ubuntu.files[file])
    fleet.ubuntu.files[file] = json.dumps({**told, "rights": [*told["rights"], *OWN]})
    return name


def models(fleet: Fleet) -> list[str]:
    """Of each load: the database that the new one is to be like."""
    return [words[-2] for words in fleet.ubuntu.transcript if "load" in words]


def test_what_comes_back_has_what_the_database_itself_has_that_it_replaces(lost: Fleet) -> None:
    name = with_own(lost)
    ran = lost.fab("db.restore --yes")
    assert ran.code == 0, ran.everything
    assert models(lost) == ["app"]
    assert [line for line in ran.lines if "does not bring back" in line] == [
        f"[ubuntu] warning: {name} does not bring back the security label of selinux"
    ]


@pytest.mark.parametrize("gone", [True, False])
def test_what_no_database_has_and_no_manifest_tells_is_named_before_it_asks(
    lost: Fleet, gone: bool
) -> None:
    name = with_own(lost)
    if gone:
        del lost.ubuntu.databases["app"]
    words = "db.restore" if gone else "db.restore --into copy"
    with lost.untouched():
        ran = lost.fab(words)
    assert (ran.code, ran.error) == (2, "nothing was changed: off a terminal this needs --yes")
    assert [line for line in ran.lines if "does not bring back" in line] == [
        f"[ubuntu] warning: {name} does not bring back {what}"
        for what in (
            "the setting app.key of the database, whose value no manifest tells",
            "the security label of selinux",
            "the tablespace fast of the database, unless this server has it",
        )
    ]
    assert lost.fab(f"{words} --yes").code == 0
    assert models(lost) == [""]


def test_each_step_is_told_to_others_who_want_the_server(lost: Fleet) -> None:
    assert lost.fab("db.restore --yes").code == 0
    name = shelf(lost)[0].name
    assert lost.ubuntu.announced == ["backup", f"restore {name}", "swap", "prove"]
    assert lost.ubuntu.locks == {}


def test_the_point_of_return_brings_back_what_was_there(lost: Fleet) -> None:
    assert lost.fab("db.restore --yes").code == 0
    safety = shelf(lost)[-1].name
    assert lost.fab(f"db.restore --yes --from {safety}").code == 0
    assert lost.ubuntu.databases["app"] == LOST


def test_a_database_that_is_gone_comes_back_too(lost: Fleet) -> None:
    del lost.ubuntu.databases["app"]
    ran = lost.fab("db.restore --yes")
    assert ran.code == 0, ran.everything
    assert databases(lost) == {"app": GOOD}
    assert ran.lines[0].endswith("; becomes database app")
    assert len(shelf(lost)) == 1


def test_off_a_terminal_it_needs_to_be_told(lost: Fleet) -> None:
    with lost.untouched():
        ran = lost.fab("db.restore")
    assert (ran.code, ran.error) == (2, "nothing was changed: off a terminal this needs --yes")


def test_on_a_terminal_it_asks_once(lost: Fleet) -> None:
    with lost.untouched():
        ran = lost.fab_on_a_terminal("db.restore", "n\n")
    assert (ran.code, ran.error) == (2, "nothing was changed: the answer was no")
    assert lost.fab_on_a_terminal("db.restore", "y\n").code == 0


@pytest.mark.parametrize(
    ("pattern", "steps"),
    [
        ("^compose run api migrate target", 1),
        ("^backup db_", 2),
        ("^load db_", 3),
        ("^swap ", 4),
    ],
)
def test_a_failure_before_or_in_the_swap_leaves_the_database_as_it_is(
    lost: Fleet, pattern: str, steps: int
) -> None:
    lost.ubuntu.fail(pattern, ended=Ended(70, err="the cause\n"), times=1)
    ran = lost.fab("db.restore --yes")
    assert ran.code == 1, ran.everything
    assert databases(lost) == {"app": LOST}
    assert len([line for line in lost.ubuntu.did if not line.startswith("DROP")]) == steps


def test_what_comes_back_differently_never_gets_the_name(lost: Fleet) -> None:
    name = shelf(lost)[0].name
    manifest = f"{ROOT}/backups/{name}.json"
    lost.ubuntu.files[manifest] = lost.ubuntu.files[manifest].replace('"rows": 3', '"rows": 4')
    ran = lost.fab("db.restore --yes")
    assert ran.code == 1
    assert ran.error == f"ubuntu: {name} came back differently; nothing was changed"
    assert ran.evidence == ["table public.users has 3 rows, not 4"]
    assert databases(lost) == {"app": LOST}


def test_red_gates_after_the_swap_bring_the_old_database_back(lost: Fleet) -> None:
    api = lost.ubuntu.engine.containers["app-api-1"]
    lost.ubuntu.fail(
        "^swap ", goes_on=True, times=1, first=lambda: setattr(api, "health", "unhealthy")
    )
    ran = lost.fab("db.restore --yes")
    assert ran.code == 1, ran.everything
    assert "red gates: probe:api-1" in ran.error
    assert "; app is the database from before again, what came back is kept as app_re" in ran.error
    assert databases(lost) == {"app": LOST, "app_restored_": GOOD}
    api.health = "healthy"
    assert lost.fab("db.restore --yes").code == 0
    assert databases(lost) == {"app": GOOD, "app_before_": LOST}


def test_a_red_gate_that_is_waived_brings_nothing_back(lost: Fleet) -> None:
    lost.ubuntu.engine.containers["app-api-1"].health = "unhealthy"
    ran = lost.fab("db.restore --yes --waive probe:api-1")
    assert ran.code == 0, ran.everything
    assert lost.ubuntu.databases["app"] == GOOD


def test_when_the_way_back_fails_too_a_person_is_needed(lost: Fleet) -> None:
    api = lost.ubuntu.engine.containers["app-api-1"]
    lost.ubuntu.fail(
        "^swap ", goes_on=True, times=1, first=lambda: setattr(api, "health", "unhealthy")
    )
    lost.ubuntu.fail("^swap app app_restored_", ended=Ended(70, err="no\n"))
    ran = lost.fab("db.restore --yes")
    assert ran.code == 3, ran.everything
    assert ran.error.endswith("the databases were not swapped: no; a person is needed")
    assert "app-db: running healthy" in ran.evidence


def test_callers_that_are_still_held_need_a_person(lost: Fleet) -> None:
    lost.ubuntu.fail("^swap ", ended=Ended(71, err="the proxy does not let callers in again\n"))
    ran = lost.fab("db.restore --yes")
    message = "the databases are swapped: the proxy does not let callers in again"
    assert (ran.code, ran.error) == (3, f"ubuntu: {message}")


STUCK = Ended(1, err="ERROR:  database is being used by logical replication subscription\n")
STAYS = "cannot be removed: ERROR:  database is being used by logical replication subscription"


def test_a_database_that_cannot_be_removed_never_hides_why_a_restore_failed(lost: Fleet) -> None:
    lost.ubuntu.fail("^swap ", ended=Ended(70, err="the cause\nleft: callers are held\n"), times=1)
    lost.ubuntu.fail("DROP DATABASE", ended=STUCK)
    ran = lost.fab("db.restore --yes")
    assert ran.code == 1, ran.everything
    cause, held, stays = ran.error.split("; ")
    assert cause == "ubuntu: the databases were not swapped: the cause"
    assert held == "callers are held"
    assert re.fullmatch(rf"database app_restored_\d+ {re.escape(STAYS)}", stays)


def test_a_database_that_cannot_be_removed_stops_no_later_restore(lost: Fleet) -> None:
    lost.ubuntu.databases["app_restored_1"] = {}
    lost.ubuntu.fail("DROP DATABASE", ended=STUCK, times=1)
    ran = lost.fab("db.restore --yes")
    assert ran.code == 0, ran.everything
    assert f"database app_restored_1 {STAYS}" in ran.everything
    assert lost.ubuntu.databases["app"] == GOOD


def test_an_old_database_that_cannot_be_removed_keeps_no_other_one(lost: Fleet) -> None:
    lost.ubuntu.databases |= {"app_before_1": {}, "app_before_2": {}}
    lost.ubuntu.fail("DROP DATABASE", ended=STUCK, times=1)
    ran = lost.fab("db.restore --drop-old --yes")
    assert (ran.code, ran.error) == (1, f"ubuntu: database app_before_1 {STAYS}")
    assert sorted(lost.ubuntu.databases) == ["app", "app_before_1", "postgres"]


def test_an_older_schema_is_migrated_before_callers_are_let_in(lost: Fleet) -> None:
    lost.origin.commit("Second", {"services/api/schema": "002\n"})
    assert lost.fab("ubuntu.deploy").code == 0
    lost.forget()
    ran = lost.fab(f"db.restore --yes --from {shelf(lost)[0].name}")
    assert ran.code == 0, ran.everything
    assert (
        "[ubuntu] warning: the backup has schema 001, api wants 002: it is migrated before"
        " callers are let in" in ran.lines
    )
    swapped = lost.ubuntu.did.index("swap app app_before_ app_restored_")
    assert lost.ubuntu.did[swapped + 1] == "  migrate up"


def test_what_comes_back_when_the_proof_is_red_is_not_migrated(lost: Fleet) -> None:
    """Its schema is the one that the running release wants; the backup's was the older one."""
    lost.origin.commit("Second", {"services/api/schema": "002\n"})
    assert lost.fab("ubuntu.deploy").code == 0
    lost.forget()
    api = lost.ubuntu.engine.containers["app-api-1"]
    lost.ubuntu.fail(
        "^swap ", goes_on=True, times=1, first=lambda: setattr(api, "health", "unhealthy")
    )
    ran = lost.fab(f"db.restore --yes --from {shelf(lost)[0].name}")
    assert ran.code == 1, ran.everything
    swaps = [line for line in lost.ubuntu.did if line.startswith(("swap", "  migrate"))]
    assert swaps == [
        "swap app app_before_ app_restored_",
        "  migrate up",
        "swap app app_restored_ app_before_",
    ]


def test_into_another_database_touches_no_other(lost: Fleet) -> None:
    ran = lost.fab("db.restore --yes --into copy")
    assert ran.code == 0, ran.everything
    assert databases(lost) == {"app": LOST, "copy": GOOD}
    assert len(shelf(lost)) == 1
    ran = lost.fab("db.restore --yes --into copy")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: database copy is there already; choose another name",
    )


@pytest.mark.parametrize(
    "name", ["dbname=postgres", "host=203.0.113.1", "postgresql:///app", "-dapp", "a" * 64]
)
def test_connection_text_instead_of_a_name_is_refused_before_anything_is_asked(
    lost: Fleet, name: str
) -> None:
    ran = lost.fab(f"db.restore --yes --into={name}")
    assert (ran.code, ran.error) == (
        2,
        (
            f"--into: '{name}' is not a name here: a letter or _ first, then A-Z a-z 0-9 _ -,"
            " at most 63"
        ),
    )
    assert lost.ubuntu.transcript == []


def test_without_room_nothing_is_tried(lost: Fleet) -> None:
    lost.ubuntu.free = 1 << 20
    with lost.untouched():
        ran = lost.fab("db.restore --yes")
    assert ran.code == 2
    assert ran.error.startswith("ubuntu: 1.0 MiB are free, restoring db_")


def test_an_unverified_backup_is_restored_only_by_name(filled: Fleet) -> None:
    (name,) = backed_up(filled)
    ran = filled.fab("db.restore --yes")
    assert (ran.code, ran.error) == (
        2,
        f"ubuntu: no backup is verified yet; fab db.verify checks {name}",
    )
    assert filled.fab(f"db.restore --yes --from {name}").code == 0


def test_what_a_died_restore_left_is_removed_by_the_next(lost: Fleet) -> None:
    lost.ubuntu.kill_the_operator_at("^swap ")
    lost.fab("db.restore --yes")
    assert databases(lost) == {"app": LOST, "app_restored_": GOOD}
    assert lost.fab("db.restore --yes").code == 0
    assert databases(lost) == {"app": GOOD, "app_before_": LOST}


def test_kept_databases_are_removed_when_asked_for_and_no_other(lost: Fleet) -> None:
    assert lost.fab("db.restore --yes").code == 0
    lost.ubuntu.databases["other_before_1"] = {}
    with lost.untouched():
        assert lost.fab("db.restore --drop-old").code == 2
    ran = lost.fab("db.restore --drop-old --yes")
    assert ran.code == 0, ran.everything
    assert databases(lost) == {"app": GOOD, "other_before_": {}}
    again = lost.fab("db.restore --drop-old --yes")
    assert again.lines == ["[ubuntu] no restore has kept an old database"]
