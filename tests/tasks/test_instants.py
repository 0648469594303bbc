"""db.base and db.restore --to-time: an instant between two backups."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from .fakes.application import DATABASE, UBUNTU
from .fakes.engine import Ended
from .fakes.fleet import HOSTS, Fleet
from .shelves import shelf

GOOD = {"public.users": 3}
RECEIVER = {"image": "db:1", "container_name": "app-log", "depends_on": {"db": {}}}


@pytest.fixture
def logged(fleet: Fleet) -> Fleet:
    """Both servers deployed; the log of the database is received."""
    model = json.loads(json.dumps(UBUNTU))
    model["services"]["log"] = RECEIVER
    archive = {"service": "log", "folder": "/log"}
    model["x-deploy"]["db"]["database"] = {**DATABASE, "archive": archive}
    fleet.origin.commit("A log", {"compose/ubuntu.yml": json.dumps(model)})
    ran = fleet.fab("deploy")
    assert ran.code == 0, ran.everything
    fleet.ubuntu.rows = dict(GOOD)
    fleet.forget()
    return fleet


@pytest.fixture
def based(logged: Fleet) -> Fleet:
    """A base of three users, who are gone a day later."""
    ran = logged.fab("db.base")
    assert ran.code == 0, ran.everything
    logged.ubuntu.clock += 86400
    logged.ubuntu.rows = {"public.users": 0}
    logged.forget()
    return logged


def instant(fleet: Fleet, ago: int) -> str:
    return datetime.fromtimestamp(fleet.ubuntu.clock - ago, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_a_base_says_from_when_on_every_instant_can_be_had(logged: Fleet) -> None:
    ran = logged.fab("db.base")
    assert ran.code == 0, ran.everything
    (name,) = (name for name in logged.ubuntu.dumps if name.startswith("base_"))
    assert logged.ubuntu.did == [f"base {name}"]
    since = datetime.fromtimestamp(logged.ubuntu.clock + 1, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    assert ran.lines == [
        f"[ubuntu] base {name} (4.9 KiB)",
        f"[ubuntu] any instant from {since} on can be restored: --to-time",
    ]
    assert logged.fab("db.base --quiet").everything == ""


def test_the_database_of_an_instant_takes_the_place_of_the_live_one(based: Fleet) -> None:
    ran = based.fab(f"db.restore --yes --to-time {instant(based, 3600)}")
    assert ran.code == 0, ran.everything
    assert based.ubuntu.rows == GOOD
    then, safety = shelf(based)
    assert then.reason.startswith("as of 20")
    assert safety.reason == f"before {then.name} was restored"
    base = next(name for name in based.ubuntu.dumps if name.startswith("base_"))
    assert based.ubuntu.did == [
        f"recover {base}",
        f"backup {then.name}",
        "forget me.wishwith.throwaway=instant /opt/app",
        "compose run api migrate target",
        f"backup {safety.name}",
        f"load {then.name} app",
        "swap app app_before_ app_restored_",
    ]


@pytest.mark.parametrize("step", ["recover", "backup db_"])
def test_a_failure_on_the_way_to_an_instant_leaves_the_live_database(
    based: Fleet, step: str
) -> None:
    before = dict(based.ubuntu.databases)
    cause = "FATAL: recovery ended before configured recovery target was reached"
    based.ubuntu.fail(step, ended=Ended(70, err=f"{cause}\n"), times=1)
    ran = based.fab(f"db.restore --yes --to-time {instant(based, 3600)}")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith(cause)
    assert based.ubuntu.databases == before
    assert based.ubuntu.did[-1] == "forget me.wishwith.throwaway=instant /opt/app"
    assert "throwaway" not in based.ubuntu.engine.containers
    assert based.ubuntu.locks == {}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            "--to-time 1999-01-01",
            "no base is older than 1999-01-01 00:00:00 UTC; the first instant",
        ),
        ("--to-time 2999-01-01T10:00+01:00", "2999-01-01 09:00:00 UTC is still to come; its clock"),
        ("--to-time soon", "'soon' is no instant; one is, in UTC: 2026-11-23T14:30:00"),
        ("--to-time 2027-01-01 --from latest", "--from names a backup, --to-time an instant"),
    ],
)
def test_an_instant_that_cannot_be_had_is_refused(based: Fleet, words: str, error: str) -> None:
    with based.untouched():
        ran = based.fab(f"db.restore --yes {words}")
    assert ran.code == 2, ran.everything
    assert error in ran.error


@pytest.mark.parametrize("line", ["db.base", "db.restore --yes --to-time 2020-01-01"])
def test_where_no_log_is_received_that_is_said(filled: Fleet, line: str) -> None:
    with filled.untouched():
        ran = filled.fab(line)
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu: its stack does not receive the database's log; see point-in-time recovery in"
            " docs/backup.md"
        ),
    )


def test_as_many_bases_stay_as_days_are_kept_and_the_log_of_the_others_goes(based: Fleet) -> None:
    based.hosts.write_text(HOSTS.replace("branch", "keep_daily = 2\nbranch"))
    for _ in range(3):
        based.fab("db.base")
    bases = sorted(name for name in based.ubuntu.dumps if name.startswith("base_"))
    with based.untouched():
        ran = based.fab("db.prune --dry-run")
    assert f"[ubuntu] would remove {bases[0]}: as many are newer as stay" in ran.lines
    assert based.fab("db.prune").code == 0
    assert sorted(n for n in based.ubuntu.dumps if n.startswith("base_")) == bases[2:]
    assert based.ubuntu.did == [f"remove-bases {' '.join(bases[:2])}", "  the log before 3"]


def test_a_base_that_fails_is_one_line(logged: Fleet) -> None:
    logged.ubuntu.fail("base base_", ended=Ended(75, err="another backup is running\n"))
    ran = logged.fab("db.base")
    assert (ran.code, ran.error) == (2, "ubuntu: no base was made: another backup is running")
