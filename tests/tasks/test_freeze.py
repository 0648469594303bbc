"""A frozen server refuses what changes what runs, and says who froze it, since when and why."""

from __future__ import annotations

import json

import pytest

from .fakes.fleet import Fleet
from .fakes.machine import ROOT

WHY = "checkout-sale"
REFUSED = [
    "ubuntu.deploy",
    "deploy",
    "ubuntu.rollback",
    "ubuntu.recover",
    "db.restore --yes",
    "ubuntu.freeze --why again",
]


@pytest.fixture
def frozen(filled: Fleet) -> Fleet:
    """Two releases and a backup on ubuntu, which is frozen."""
    filled.origin.commit("Later", {"services/web/index.html": "Welcome again\n"})
    for line in ("ubuntu.deploy", "db.backup", "db.verify", f"ubuntu.freeze --why {WHY}"):
        ran = filled.fab(line)
        assert ran.code == 0, ran.everything
    return filled


def told(fleet: Fleet) -> str:
    """The words in which everybody is told."""
    freeze = json.loads(fleet.ubuntu.files[f"{ROOT}/locks/frozen"])
    assert (freeze["who"], freeze["why"]) == ("somebody (CI run 7)", WHY)
    seen = fleet.fab("ubuntu.status --json").json["ubuntu"]["frozen"]
    assert seen == freeze
    return f"frozen by somebody (CI run 7) since 2027-01-15 08:0{minute(freeze)} UTC: {WHY}"


def minute(freeze: dict[str, int]) -> str:
    minutes, seconds = divmod(freeze["since"] - 1_800_000_000, 60)
    return f"{minutes}:{seconds:02}"


@pytest.mark.parametrize("line", REFUSED)
def test_what_changes_what_runs_is_refused(frozen: Fleet, line: str) -> None:
    with frozen.untouched():
        ran = frozen.fab(line)
    assert ran.code == 2, ran.everything
    assert ran.error == f"ubuntu: {told(frozen)}; fab ubuntu.unfreeze lifts it"


@pytest.mark.parametrize(
    "line",
    ["montreal.deploy", "ubuntu.plan", "ubuntu.prune", "db.backup", "ssl.issue", "ssl.renew"],
)
def test_everything_else_goes_on(frozen: Fleet, line: str) -> None:
    ran = frozen.fab(line)
    assert ran.code == 0, ran.everything


def test_nobody_waits_for_a_freeze_to_end(frozen: Fleet) -> None:
    ran = frozen.fab("ubuntu.deploy --wait 1h")
    assert (ran.code, "waiting" in ran.out) == (2, False)


def test_status_says_that_it_is_frozen(frozen: Fleet) -> None:
    shown = frozen.fab("ubuntu.status").lines
    assert f"[ubuntu] warning: {told(frozen)}; deploys are refused" in shown
    assert frozen.fab("montreal.status --json").json["montreal"]["frozen"] is None


def test_unfrozen_it_can_be_deployed_again(frozen: Fleet) -> None:
    ran = frozen.fab("ubuntu.unfreeze")
    assert ran.lines[-1].startswith("[ubuntu] no longer frozen by somebody (CI run 7) since ")
    assert frozen.fab("ubuntu.status --json").json["ubuntu"]["frozen"] is None
    assert frozen.fab("ubuntu.deploy").code == 0
    with frozen.untouched():
        again = frozen.fab("ubuntu.unfreeze")
    assert (again.code, again.lines[-1]) == (0, "[ubuntu] not frozen; no change")


@pytest.mark.parametrize("line", ["ubuntu.freeze", "ubuntu.freeze --why="])
def test_a_freeze_needs_its_reason(running: Fleet, line: str) -> None:
    with running.untouched():
        ran = running.fab(line)
    assert (ran.code, ran.error) == (2, 'a freeze needs its reason: --why "..."')


def test_a_change_that_is_running_comes_first(running: Fleet) -> None:
    running.ubuntu.locks["locks"] = "anna"
    with running.untouched():
        ran = running.fab(f"ubuntu.freeze --why {WHY}")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: another change is running: anna; wait for it, then run again",
    )


def test_a_server_without_anything_cannot_be_frozen(fleet: Fleet) -> None:
    ran = fleet.fab(f"ubuntu.freeze --why {WHY}")
    assert ran.code == 2, ran.everything
    assert "there is nothing to freeze" in ran.error


def test_a_file_that_somebody_made_by_hand_freezes_too(running: Fleet) -> None:
    running.ubuntu.files[f"{ROOT}/locks/frozen"] = "do not\ntouch\n"
    ran = running.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: frozen by somebody: do not touch; fab ubuntu.unfreeze lifts it",
    )
