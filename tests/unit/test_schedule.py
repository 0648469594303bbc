"""The schedule: the block in a crontab, and what became of each job."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile import ns
from fabfile.model.hints import Archive, Database, Hints
from fabfile.model.hosts.hosts_ini import parse as parse_inventory
from fabfile.model.schedule.jobs import (
    BEGIN,
    END,
    JOBS,
    Entry,
    Job,
    ago,
    due,
    install,
    local_inventory,
    mail_of,
    parse,
    remove,
)

from .builders import SERVER, STACK, service

ROOT = PurePosixPath("/opt/app")
SPACED = PurePosixPath("/srv/a b/100%")
HOUR = 3600
LINES = st.one_of(
    st.text(st.characters(exclude_characters="\n"), max_size=30),
    st.sampled_from(["MAILTO=root", "# BEGIN wishwithme 2", f" {END}", "0 3 * * * x", "", "é\r"]),
).filter(lambda line: line not in (BEGIN, END))
CRONTABS = st.lists(LINES, max_size=8).map("\n".join) | st.lists(LINES, max_size=8).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
MAIL = st.sampled_from(["", "ops@app.example"])


def whole(crontab: str) -> str:
    """A crontab whose last line has its end, which cron asks for."""
    return crontab if not crontab or crontab.endswith("\n") else f"{crontab}\n"


@given(CRONTABS, MAIL)
def test_whatever_else_a_crontab_holds_comes_back_to_the_byte(crontab: str, mail: str) -> None:
    there = install(crontab, JOBS, ROOT, "ubuntu", mail)
    assert there.startswith(f"{whole(crontab)}{BEGIN}\n")
    assert remove(there, ROOT) == whole(crontab)


@given(CRONTABS, CRONTABS, MAIL)
def test_installing_twice_is_installing_once_wherever_the_block_stands(
    before: str, after: str, mail: str
) -> None:
    there = install(before, JOBS, ROOT, "ubuntu", mail) + after
    assert install(there, JOBS, ROOT, "ubuntu", mail) == there
    assert install(there, JOBS, ROOT, "ubuntu") == there
    assert remove(there, ROOT) == whole(before) + after


@given(CRONTABS, st.lists(st.sampled_from(JOBS), unique=True))
def test_the_jobs_that_are_installed_are_read_again(crontab: str, jobs: list[Job]) -> None:
    there = install(crontab, jobs, SPACED, "ubuntu")
    assert re.search(r"(?<!\\)%", there.removeprefix(whole(crontab))) is None  # cron's line end
    assert parse(there.removeprefix(whole(crontab)), SPACED, {}) == tuple(
        Entry(job.task, job.when) for job in jobs
    )


@given(CRONTABS, MAIL)
def test_other_jobs_take_the_place_of_the_ones_before(crontab: str, mail: str) -> None:
    there = install(crontab, JOBS, ROOT, "ubuntu", mail)
    fewer = install(there, JOBS[:1], ROOT, "ubuntu")
    assert fewer == install(crontab, JOBS[:1], ROOT, "ubuntu", mail)


@given(CRONTABS, MAIL, st.sampled_from([SPACED, PurePosixPath("/opt/app2"), ROOT / "operator"]))
def test_the_block_of_another_root_is_somebody_elses(
    crontab: str, mail: str, root: PurePosixPath
) -> None:
    theirs = install(crontab, JOBS[:2], root, "ubuntu", mail)
    both = install(theirs, JOBS[1:], ROOT, "ubuntu")
    assert both.startswith(theirs)
    assert parse(both, root, {}) == tuple(Entry(job.task, job.when) for job in JOBS[:2])
    assert parse(both, ROOT, {}) == tuple(Entry(job.task, job.when) for job in JOBS[1:])
    assert (mail_of(both, root), mail_of(both, ROOT)) == (mail, "")
    again = install(both, JOBS[:2], root, "ubuntu")
    assert again == both
    assert remove(both, ROOT) == theirs
    assert remove(remove(both, root), ROOT) == whole(crontab)


def test_two_blocks_of_one_root_are_nothing_to_guess_about() -> None:
    twice = install("", JOBS, ROOT, "ubuntu") * 2
    with pytest.raises(ValueError, match="one for each root"):
        remove(twice, ROOT)


@pytest.mark.parametrize(
    "crontab",
    [f"{BEGIN}\n", f"{END}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n", f"x\n{BEGIN}"],
)
def test_marks_that_are_no_pair_are_nothing_to_guess_about(crontab: str) -> None:
    for change in (lambda: install(crontab, JOBS, ROOT, "ubuntu"), lambda: remove(crontab, ROOT)):
        with pytest.raises(ValueError, match="do not stand there in pairs"):
            change()


def test_mail_of_entries_below_goes_where_it_went() -> None:
    there = install("MAILTO=\n@daily a\nMAILTO = ann\n", JOBS[:1], ROOT, "ubuntu", "ops")
    assert there.splitlines()[3:] == [
        BEGIN,
        "# Written by fab cron.install, taken out by fab cron.remove. The server's own time zone.",
        "MAILTO=ops",
        "0 3 * * * /opt/app/operator/job db.backup --quiet",
        "MAILTO = ann",
        END,
    ]
    assert mail_of(there, ROOT) == "ops"
    alone = install("", JOBS[:1], ROOT, "ubuntu", "ops").splitlines()
    assert (alone[2], alone[4]) == ("MAILTO=ops", "MAILTO=ubuntu")


def test_every_job_is_a_task_that_there_is_with_flags_that_it_takes() -> None:
    for job in JOBS:
        flags = {flag for argument in ns[job.task].get_arguments() for flag in argument.names}
        assert {flag.removeprefix("--") for flag in job.flags} <= flags
        assert len(job.when.split()) == 5


def test_a_server_has_the_jobs_that_have_something_to_do_there() -> None:
    db = service("db", hints=Hints(database=Database("USER", "NAME")))
    with_database = replace(STACK, services=(db,))
    nowhere = replace(SERVER, domains=())
    assert due(nowhere, replace(STACK, services=())) == ()
    nightly = {"db.backup", "db.verify", "db.prune"}
    assert {job.task for job in due(nowhere, with_database)} == nightly
    received = Database("USER", "NAME", archive=Archive("wal", "/wal"))
    db = service("db", hints=Hints(database=received))
    profile_off = replace(STACK, services=(db,))
    assert {job.task for job in due(nowhere, profile_off)} == nightly
    profile_on = replace(STACK, services=(db, service("wal")))
    assert {job.task for job in due(nowhere, profile_on)} == {*nightly, "db.base"}
    public = replace(SERVER, domains=("app.example",))
    assert {job.task for job in due(public, replace(STACK, services=()))} == {"ssl.renew"}


# --- what became of them

NOW = 1_800_000_000
VERIFY = Entry("db.verify", "30 3 * * *", since=NOW - 90 * HOUR, succeeded=NOW - HOUR)


@pytest.mark.parametrize(
    ("job", "late"),
    [
        (VERIFY, ""),
        (replace(VERIFY, failed=NOW - 2 * HOUR, why="gone"), ""),
        (replace(VERIFY, failed=NOW - 60, why="gone"), "failed 1 min ago: gone"),
        (replace(VERIFY, failed=NOW - 60), "failed 1 min ago: see its log"),
        (replace(VERIFY, succeeded=NOW - 26 * HOUR), ""),
        (
            replace(VERIFY, succeeded=NOW - 27 * HOUR),
            "no success within 26 h: the last one 27 h ago",
        ),
        (replace(VERIFY, succeeded=0), "no success within 26 h: never yet"),
        (replace(VERIFY, succeeded=0, since=NOW - 25 * HOUR), ""),
        (replace(VERIFY, succeeded=NOW - 99 * HOUR, since=NOW - HOUR), ""),
        (replace(VERIFY, task="db.backup", succeeded=NOW - 99 * HOUR), ""),
    ],
)
def test_a_job_is_late_when_it_failed_last_or_has_not_succeeded_in_time(
    job: Entry, late: str
) -> None:
    assert job.late(NOW) == late


def test_stamps_are_read_for_the_jobs_that_stand_in_the_block() -> None:
    block = install("", JOBS[:2], ROOT, "ubuntu", "ops")
    stamps = {
        "lock": (1, ""),
        "db.backup": (2, ""),
        "db.backup.success": (3, ""),
        "db.backup.failure": (4, "gone | for ever"),
        "db.prune.success": (5, ""),
    }
    assert parse(block, ROOT, stamps) == (
        Entry("db.backup", "0 3 * * *", 2, 3, 4, "gone | for ever"),
        Entry("db.verify", "30 3 * * *"),
    )


def test_an_entry_that_no_shell_could_read_is_no_job_and_hides_no_other() -> None:
    lines = install("", JOBS[:1], ROOT, "ubuntu").splitlines()
    block = "\n".join([*lines[:2], "0 3 * * * /opt/app/operator/job 'db.verify", *lines[2:]])
    assert parse(block, ROOT, {}) == (Entry("db.backup", "0 3 * * *"),)


GONE = "its entry is not in the crontab any more"
EDITED = "its entry in the crontab is not the one that was installed"


@pytest.mark.parametrize(
    ("edit", "differs"),
    [
        (lambda block: block, ["", ""]),
        (lambda _block: "", [GONE, GONE]),  # crontab -r
        (lambda block: block.replace("30 3", "#30 3"), ["", GONE]),
        (lambda block: block.replace("30 3", "30 4"), ["", EDITED]),
        (lambda block: block.replace("db.verify --quiet", "db.verify"), ["", EDITED]),
        (lambda block: block.replace("30 3 * * * /opt", "30 3 * * * nice /opt"), ["", GONE]),
        (lambda block: block.replace(f"{BEGIN}\n", f"{BEGIN}\n@daily true\n"), ["", ""]),
    ],
)
def test_the_crontab_is_compared_with_what_was_installed(
    edit: Callable[[str], str], differs: list[str]
) -> None:
    installed = install("", JOBS[:2], ROOT, "ubuntu", "ops")
    found = parse(edit(installed), ROOT, {}, installed)
    ours = [job for job in found if job.task in ("db.backup", "db.verify")]
    assert [job.differs for job in ours] == differs
    assert [job.late(NOW) for job in ours if job.differs] == [
        f"{how}; fab cron.install puts it back" for how in differs if how
    ]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (-5, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (47 * 3600, "47 h"),
     (48 * 3600, "2 d")],
)  # fmt: skip
def test_how_long_ago_is_told_in_one_unit(seconds: int, told: str) -> None:
    assert ago(seconds) == f"{told} ago"


# --- the inventory on the server


def test_a_server_that_operates_itself_has_the_same_settings() -> None:
    text = """\
[defaults]
user = ubuntu
key = ~/id
path = /home/ubuntu/app
root = /opt/app
repository = git://origin/app.git
branch = main
keep_daily = 9
[ubuntu]
host = 192.0.2.7
port = 2222
compose = compose/app.yml
domains = app.example, api.app.example
calls = montreal
edge = 127.0.0.1:8443
compression = gzip
[montreal]
host = 192.0.2.8
address = 10.0.0.8
compose = compose/other.yml
"""
    remote = parse_inventory(text, Path("/keys/hosts.ini"))
    for server in remote.servers:
        there = Path("/opt/app/operator/hosts.ini")
        (own,) = parse_inventory(local_inventory(server), there).servers
        assert own == replace(
            server,
            host="127.0.0.1",
            port=22,
            user="",
            key=there.parent,
            calls="",
            edge=None,
            connection="local",
            known_hosts=there.parent / "known_hosts",
        )
