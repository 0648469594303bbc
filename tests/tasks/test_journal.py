"""What changes something on a server is written down there, however it ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fabfile import ns
from fabfile.command import Command

from .fakes.application import TOKEN
from .fakes.engine import Ended
from .fakes.fleet import Fleet, Ran
from .fakes.machine import ROOT

LOOKING = [
    *("plan", "status", "doctor", "logs", "stats", "top", "disk", "network", "events", "health"),
    *("ps", "history", "db.list", "ssl.status", "cron.list", "hosts.pin"),
    *("env.check", "env.diff", "env.explain", "env.pull", "env.save"),
]
"""They change nothing on a server."""
RELEASES = ["deploy", "rollback", "promote", "recover", "restart"]
"""Their release is told by its own record."""


def entries(fleet: Fleet, name: str = "ubuntu") -> list[dict[str, Any]]:
    """What the journal of a server tells, oldest first."""
    text = fleet.machines[name].files.get(f"{ROOT}/releases/journal", "")
    return [json.loads(line) for line in text.splitlines()]


def done(ran: Ran) -> Ran:
    assert ran.code == 0, ran.everything
    return ran


def test_each_task_either_is_told_or_changes_nothing_or_makes_a_release() -> None:
    told: dict[str, set[str]] = {}
    for name, task in _tasks().items():
        told.setdefault(task.journal, set()).add(name)
    silent = told.pop("")
    assert silent == {*LOOKING, *RELEASES, "new"}
    assert told == {name: {name} for name in told}


def _tasks() -> dict[str, Command]:
    """All tasks, those of servers without the server's name."""
    found = {}
    for name in ns.task_names:
        short = name.removeprefix("ubuntu.").removeprefix("montreal.")
        task = ns[name]
        assert isinstance(task, Command)
        found[short] = task
    return found


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("db.backup --quiet", ["--quiet"]),
        ("ubuntu.freeze --why sale", ["--why", "sale"]),
        ("ubuntu.prune", []),
        ("run uptime", ["uptime"]),
        ("ssl.issue --server ubuntu", ["--server", "ubuntu"]),
    ],
)
def test_a_task_leaves_one_entry(filled: Fleet, line: str, arguments: list[str]) -> None:
    done(filled.fab(line))
    (entry,) = entries(filled)
    assert entry.pop("seconds") < 60
    assert filled.ubuntu.clock - 60 < entry.pop("at") <= filled.ubuntu.clock
    assert len(entry.pop("collection")) == 40
    assert entry == {
        "who": "somebody (CI run 7)",
        "task": line.split(maxsplit=1)[0].removeprefix("ubuntu."),
        "arguments": arguments,
        "occasion": "by hand",
        "code": 0,
        "keys": [],
        "error": "",
        "note": "exit code 0" if line.startswith("run") else "",
    }


def test_one_that_cron_starts_says_so(filled: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WISHWITHME_JOB", "db.backup")
    done(filled.fab("db.backup"))
    assert [one["occasion"] for one in entries(filled)] == ["by schedule"]


def test_one_that_fails_is_told_with_its_code_and_why(filled: Fleet) -> None:
    filled.ubuntu.fail("backup ")
    ran = filled.fab("db.backup")
    (entry,) = entries(filled)
    assert (ran.code, entry["code"], entry["error"]) == (1, 1, ran.error)


def test_one_that_is_interrupted_is_told(filled: Fleet) -> None:
    filled.ubuntu.fail("backup ", raises=KeyboardInterrupt)
    ran = filled.fab("db.backup")
    (entry,) = entries(filled)
    assert (ran.code, entry["code"], entry["error"]) == (1, 1, "interrupted by Ctrl-C")


def test_what_looks_or_is_refused_or_makes_a_release_is_not_told(filled: Fleet) -> None:
    done(filled.fab("ubuntu.freeze --why sale"))
    with filled.untouched():
        assert filled.fab("ubuntu.freeze --why sale").code == 2
        done(filled.fab("db.list"))
    done(filled.fab("ubuntu.unfreeze"))
    done(filled.fab("ubuntu.restart"))
    assert [one["task"] for one in entries(filled)] == ["freeze", "unfreeze"]


@pytest.mark.parametrize("times", [1, 1_000_000])
def test_a_journal_that_cannot_be_written_is_a_warning(filled: Fleet, times: int) -> None:
    filled.ubuntu.fail("^journal", times=times)
    ran = done(filled.fab("db.backup"))
    (warning,) = [line for line in ran.lines if "journal" in line]
    assert warning.startswith("[ubuntu] warning: not in the journal: 'journal ")
    assert ran.err == ""


def test_a_lost_connection_is_opened_anew_for_it(filled: Fleet) -> None:
    filled.ubuntu.fail("backup ", raises=lambda: OSError("cut"))
    ran = filled.fab("db.backup")
    assert ran.error == "ubuntu: the connection is lost (cut)"
    assert [one["error"] for one in entries(filled)] == [ran.error]


def test_nobody_has_to_wait_for_it(filled: Fleet) -> None:
    filled.ubuntu.fail("^journal", raises=KeyboardInterrupt)
    ran = done(filled.fab("db.backup"))
    assert "warning: not in the journal: nobody waited for it" in ran.lines


def test_a_command_on_all_servers_is_told_on_each_with_its_own_end(filled: Fleet) -> None:
    filled.montreal.fail("^run", ended=Ended(3))
    assert filled.fab("run uptime").code == 1
    assert [(one["code"], one["note"], one["error"]) for one in entries(filled)] == [
        (0, "exit code 0", "")
    ]
    (entry,) = entries(filled, "montreal")
    assert (entry["code"], entry["note"]) == (1, "exit code 3")
    assert entry["error"] == "1 of 2 failed: montreal (exit code 3)"


def test_no_secret_is_told(filled: Fleet) -> None:
    filled.fab_words("run", "echo PGPASSWORD=hunter2 psql")
    assert [one["arguments"] for one in entries(filled)] == [["echo PGPASSWORD=[hidden] psql"]]
    filled.ubuntu.fail("backup ", raises=lambda: ValueError(TOKEN))
    filled.fab("db.backup")
    assert entries(filled)[-1]["error"] == "a bug in the collection: ValueError: [hidden]"


def test_a_dry_run_is_not_told(filled: Fleet) -> None:
    with filled.untouched():
        done(filled.fab("db.prune --dry-run"))
        done(filled.fab("ubuntu.prune --dry-run"))


def test_what_bootstrap_did_is_told_by_the_user_of_the_server(bare: Fleet) -> None:
    done(bare.fab("bootstrap --yes"))
    for name, machine in bare.machines.items():
        assert machine.logged_in == "ubuntu"
        assert [(one["task"], one["code"]) for one in entries(bare, name)] == [("bootstrap", 0)]
    with bare.untouched():
        done(bare.fab("bootstrap --yes"))
