"""The history: releases and the journal of all servers, and two releases compared."""

from __future__ import annotations

import io
import json
import re

import pytest

from fabfile.model.errors import refused

from .fakes.fleet import Fleet, Ran
from .fakes.machine import CHECKOUT, ROOT

NEITHER = (
    "--since 'yesterday' is neither a time such as 90s, 10m or 1h nor an instant such as"
    " 2026-11-23T14:30:00 (UTC)"
)
ONE = "--all, --show and --diff show three different things: give one of them"


@pytest.fixture
def busy(running: Fleet) -> Fleet:
    """Both servers run a first release; then ubuntu got what an operator's day brings."""
    fail(running, "ubuntu.freeze --why sale", 0)
    fail(running, "ubuntu.unfreeze", 0)
    running.origin.commit(
        "Second",
        {
            "services/api/app.py": "api, second version\n",
            "services/api/schema": "002\n",
            "services/web/index.html": "Welcome again\n",
        },
    )
    fail(running, "ubuntu.deploy", 0)
    fail(running, "ubuntu.restart", 0)
    running.montreal.fail("^run", times=1)
    fail(running, "run uptime", 1)
    return running


def fail(fleet: Fleet, line: str, code: int) -> Ran:
    ran = fleet.fab(line)
    assert ran.code == code, ran.everything
    return ran


def told(ran: Ran) -> list[str]:
    """The lines, without their times, and without who: always the same."""
    who = ", by somebody (CI run 7)"
    lines = [re.sub(r"\] \S+ \S+ UTC ", "] ", line) for line in ran.out.splitlines()]
    assert [line for line in lines if who not in line and "bob@desk" not in line] == []
    return [re.sub(r" in \d+ s", "", line).replace(who, "") for line in lines]


def test_all_that_was_changed_stands_in_one_list_by_time(busy: Fleet) -> None:
    ran = fail(busy, "history --all", 0)
    (second,) = {one.commit[:8] for one in busy.releases("ubuntu")[1:]}
    (first,) = {one.commit[:8] for one in busy.releases("montreal")}
    lines = told(ran)
    why = "exit code 1; 1 of 2 failed: montreal (exit code 1)"
    assert {*lines[:2]} == {
        "[ubuntu] run uptime: done; exit code 0",
        f"[montreal] run uptime: failed; {why}",
    }
    assert lines[2:6] == [
        f"[ubuntu] restart {second} Second: verified",
        f"[ubuntu] deploy {second} Second: verified",
        "[ubuntu] unfreeze: done",
        "[ubuntu] freeze --why sale: done",
    ]
    assert {*lines[6:]} == {
        f"[{name}] deploy {first} First: verified" for name in ("ubuntu", "montreal")
    }
    assert told(fail(busy, "history --all --number 3", 0)) == lines[:3]
    assert fail(busy, "history --all --who nobody", 0).lines == ["nothing of that is recorded"]


def test_one_server_tells_its_own(busy: Fleet) -> None:
    found = fail(busy, "ubuntu.history --all --json", 0).json
    assert {one["server"] for one in found} == {"ubuntu"}
    assert [one["task"] for one in found] == [
        *("run", "restart", "deploy", "unfreeze", "freeze", "deploy"),
    ]
    assert [one["at"] for one in found] == sorted((one["at"] for one in found), reverse=True)


def test_what_is_shown_is_what_somebody_did_since_then(busy: Fleet) -> None:
    path = f"{ROOT}/releases/journal"
    old = {"at": busy.ubuntu.clock - 3 * 86400, "who": "Ann@laptop", "task": "prune"}
    busy.ubuntu.files[path] = f"{json.dumps(old)}\n{busy.ubuntu.files[path]}"

    def tasks(options: str) -> list[str]:
        found = fail(busy, f"ubuntu.history --all --json {options}", 0).json
        return [one["task"] for one in found]

    assert tasks("--who ann") == ["prune"]
    assert tasks("--who ann --since 2d") == []
    assert tasks("--who ann --since 4d") == ["prune"]
    assert len(tasks("--since 2d")) == 6
    assert len(tasks("--since 2d --number 2")) == 2
    assert tasks("--since 2100-01-01T00:00") == []
    releases = fail(busy, "history --since 2d --who nobody --json", 0).json
    assert releases == []


def test_the_releases_of_all_servers_are_listed(busy: Fleet) -> None:
    found = fail(busy, "history --json", 0).json
    assert [one["server"] for one in found] == [*["ubuntu"] * 3, "montreal"]
    shown = fail(busy, "history", 0).out
    assert [line for line in shown.splitlines() if line in ("ubuntu", "montreal")] == [
        "ubuntu",
        "montreal",
    ]


def test_where_one_cannot_be_reached_the_others_are_shown(busy: Fleet) -> None:
    busy.unreachable["montreal"] = refused("montreal: no route")
    ran = fail(busy, "history --all --json", 2)
    assert (ran.error, {one["server"] for one in ran.json}) == ("montreal: no route", {"ubuntu"})


def test_one_record_is_shown_of_each_server_that_has_it(busy: Fleet) -> None:
    second = busy.releases("ubuntu")[1]
    found = fail(busy, f"history --show {second.id} --json", 0).json
    assert [one["id"] for one in found] == [second.id]
    assert fail(busy, f"ubuntu.history --show {second.id} --json", 0).json["id"] == second.id


def test_two_releases_are_compared(busy: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("another salt, never to be seen"))
    fail(busy, "env.set SALT --server ubuntu", 0)
    fail(busy, "ubuntu.deploy", 0)
    first, second, *_ = busy.releases("ubuntu")
    last = busy.releases("ubuntu")[-1]
    tags = [(one.images["api"].tag, one.images["web"].tag) for one in (first, last)]
    ran = fail(busy, f"ubuntu.history --diff {first.id} last", 0)
    assert ran.lines == [
        f"[ubuntu] from {first.id} First",
        f"[ubuntu] to   {last.id} Second",
        "[ubuntu] commits: 1",
        f"[ubuntu]   {second.commit[:8]} Second",
        f"[ubuntu] image of api: {tags[0][0]} → {tags[1][0]}",
        f"[ubuntu] image of web: {tags[0][1]} → {tags[1][1]}",
        "[ubuntu] definitions: changed: api",
        "[ubuntu] .env: changed: SALT",
        "[ubuntu] schema: 001 → 002",
    ]
    back = fail(busy, f"ubuntu.history --diff last {first.id} --json", 0).json
    assert (back["commits"], [one["subject"] for one in back["taken_back"]]) == ([], ["Second"])
    assert back["schema"] == {"from": "002", "to": "001"}
    assert back["env"] == {"added": [], "removed": [], "changed": ["SALT"], "known": True}
    (same,) = fail(busy, f"history --diff {second.id} {second.id} --json", 0).json
    assert (same["images"], same["commits"], same["schema"]) == ({}, [], None)
    shown = fail(busy, f"ubuntu.history --diff {second.id} {second.id}", 0).lines
    assert shown[-1] == "[ubuntu] nothing differs"


def test_of_records_of_former_versions_values_are_not_compared(busy: Fleet) -> None:
    first, *_, last = busy.releases("ubuntu")
    path = f"{ROOT}/releases/{first.id}/release.json"
    record = json.loads(busy.ubuntu.files[path])
    record |= {"env_salt": first.id, "env": {"GONE": "x", "SALT": "y"}}
    busy.ubuntu.files[path] = json.dumps(record)
    record["env_salt"] = "another"
    busy.ubuntu.files[path] = json.dumps(record)
    found = fail(busy, f"ubuntu.history --diff {first.id} {last.id} --json", 0).json
    assert (found["env"]["known"], found["env"]["changed"]) == (False, [])
    assert found["env"]["removed"] == ["GONE"]
    assert "cannot be compared" in fail(busy, f"ubuntu.history --diff {first.id} last", 0).out


def test_a_commit_that_the_checkout_has_not_any_more_is_not_known(busy: Fleet) -> None:
    first, *_ = busy.releases("ubuntu")
    busy.ubuntu.fail("^between")
    found = fail(busy, f"ubuntu.history --diff {first.id} last --json", 0).json
    assert (found["commits"], found["taken_back"]) == (None, None)
    shown = fail(busy, f"ubuntu.history --diff {first.id} last", 0).lines
    assert shown[2] == "[ubuntu] commits: not known, the checkout has not both of them any more"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("--diff last", "--diff takes two: --diff RELEASE RELEASE"),
        ("--diff last --json", "--diff takes two: --diff RELEASE RELEASE"),
        ("--diff", "--diff needs a value: --diff RELEASE RELEASE"),
        ("--diff last nothing", "ubuntu: no release 'nothing'; fab ubuntu.history lists them"),
        ("--diff a b c", "there is no task c; fab --list shows all"),
        (
            "--all --show last",
            ONE,
        ),
        ("--number x", "--number 'x' is no number from 0 on"),
        (
            "--since yesterday",
            NEITHER,
        ),
    ],
)
def test_a_wrong_use_is_one_line(busy: Fleet, options: str, why: str) -> None:
    ran = fail(busy, f"ubuntu.history {options}", 2)
    assert ran.error == why


def test_the_former_log_of_env_is_read_on(busy: Fleet) -> None:
    entry = {"at": busy.ubuntu.clock, "who": "bob@desk", "task": "env.set", "keys": ["SALT"]}
    busy.ubuntu.files[f"{ROOT}/releases/env.log"] = f"{json.dumps(entry)}\n"
    (newest, *_) = fail(busy, "ubuntu.history --all --json", 0).json
    assert (newest["who"], newest["keys"], newest["code"]) == ("bob@desk", ["SALT"], 0)
    assert told(fail(busy, "ubuntu.history --all", 0))[0].startswith(
        "[ubuntu] env.set (SALT): done"
    )
    assert CHECKOUT not in fail(busy, "ubuntu.history --all", 0).out


def test_a_rollback_is_told_as_one(running: Fleet) -> None:
    (first,) = running.releases("ubuntu")
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    fail(running, "ubuntu.deploy", 0)
    fail(running, "ubuntu.rollback", 0)
    found = fail(running, "ubuntu.history --all --json", 0).json
    assert [one["task"] for one in found] == ["rollback", "deploy", "deploy"]
    assert found[0]["commit"] == first.commit
