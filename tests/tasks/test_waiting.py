"""Waiting for the lock: who is in the way is told, and no two wait for each other."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from fabfile.remote import lock

from .fakes.fleet import Fleet


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute passes between two tries, at once."""
    clock = itertools.count(0, 60)
    monkeypatch.setattr(lock, "AGAIN", 0)
    monkeypatch.setattr(lock, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    monkeypatch.setattr("fabfile.ops.locking.time.monotonic", lambda: 0.0)


@pytest.fixture
def busy(running: Fleet) -> Fleet:
    """Somebody rolls two services of ubuntu, and then is done; a second commit waits."""
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    ubuntu = running.ubuntu
    ubuntu.locks["locks"] = "anna since 10:00:00 UTC, at step 'roll api-1'"
    at = iter(["roll api-1", "roll api-2", ""])

    def go_on() -> None:
        step = next(at, "")
        if step:
            ubuntu.locks["locks"] = f"anna since 10:00:00 UTC, at step '{step}'"
        else:
            ubuntu.locks.clear()

    ubuntu.fail("^cat", goes_on=True, first=go_on)
    return running


TOLD = [
    "[ubuntu] waiting: another change is running: anna since 10:00:00 UTC, at step 'roll api-1'",
    "[ubuntu] waiting: another change is running: anna since 10:00:00 UTC, at step 'roll api-2'",
]


@pytest.mark.parametrize("wait", ["300s", "10m", "1h"])
def test_a_deploy_waits_tells_each_step_and_goes_on(busy: Fleet, wait: str) -> None:
    ran = busy.fab(f"ubuntu.deploy --wait {wait}")
    assert ran.code == 0, ran.everything
    assert [line for line in ran.lines if "waiting" in line][:2] == TOLD
    assert busy.ubuntu.head == busy.origin.tip.id


def test_whoever_has_waited_long_enough_is_refused(busy: Fleet) -> None:
    with busy.untouched():
        busy.ubuntu.faults.clear()
        ran = busy.fab("ubuntu.deploy --wait 2m")
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu: another change is running: anna since 10:00:00 UTC, at step 'roll api-1';"
            " wait for it, then run again"
        ),
    )
    assert [line for line in ran.lines if "waiting" in line] == TOLD[:1]


def test_without_the_flag_nobody_waits(busy: Fleet) -> None:
    ran = busy.fab("ubuntu.deploy")
    assert (ran.code, "waiting" in ran.out) == (2, False)


@pytest.mark.parametrize("line", ["ubuntu.rollback", "ubuntu.recover"])
def test_others_wait_too(busy: Fleet, line: str) -> None:
    ran = busy.fab(f"{line} --wait 10m")
    assert [one for one in ran.lines if "waiting" in one][:2] == TOLD
    assert "another change" not in ran.err


@pytest.mark.parametrize("line", ["deploy", "ubuntu.deploy", "ubuntu.rollback", "ubuntu.recover"])
@pytest.mark.parametrize("wait", ["10", "ten", "0m", "1.5h", "-1m", "1w", "1h30m", "999999h"])
def test_what_is_no_duration_is_one_line(running: Fleet, line: str, wait: str) -> None:
    with running.untouched():
        ran = running.fab(f"{line} --wait={wait}")
    assert (ran.code, ran.error) == (2, f"--wait '{wait}' is no duration: 90s, 10m or 1h")


def test_both_locks_are_taken_in_one_order_whatever_the_inventory_says(running: Fleet) -> None:
    """A second operator's file says that montreal calls ubuntu."""
    text = running.hosts.read_text().replace("calls = montreal\n", "")
    running.hosts.write_text(text.rstrip() + "\ncalls = ubuntu\n")
    running.montreal.locks["locks"] = "bert"
    ran = running.fab("deploy")
    assert ran.error == "montreal: another change is running: bert; wait for it, then run again"
    assert running.ubuntu.announced == []
    assert not [words for words in running.ubuntu.transcript if "lock" in words]


def test_who_waits_for_the_second_lock_holds_the_first(busy: Fleet) -> None:
    seen = []
    busy.ubuntu.fail("^cat", goes_on=True, first=lambda: seen.append(dict(busy.montreal.locks)))
    ran = busy.fab("deploy --wait 10m")
    assert ran.code == 0, ran.everything
    assert list(seen[0]) == ["locks"]
    assert busy.montreal.locks == {}
