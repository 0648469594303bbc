"""cron.heal: what stays unhealthy is restarted, so many times an hour."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fabfile.model.healing import Healing, parse_healing

from .fakes.engine import Ended
from .fakes.fleet import Fleet, Ran
from .fakes.machine import ROOT
from .shelves import with_database
from .test_journal import entries
from .test_schedule import COLLECTION


def stack(heal: Any) -> dict[str, str]:
    model = json.loads(with_database())
    model["x-deploy"]["heal"] = heal
    return {"compose/ubuntu.yml": json.dumps(model)}


@pytest.fixture
def healed(filled: Fleet) -> Fleet:
    """A stack whose replicas are restarted after two minutes, twice an hour."""
    filled.origin.commit("Heal", COLLECTION | stack({"unhealthy": "2m", "at_most": 2}))
    assert filled.fab("deploy").code == 0
    filled.forget()
    return filled


RESTARTED = ["put locks/healing", "docker stop app-api-1", "docker start app-api-1"]


def restarted(fleet: Fleet) -> int:
    """How many times replicas were restarted."""
    return len([line for line in fleet.ubuntu.did if line.startswith("docker start ")])


def falls_ill(fleet: Fleet, service: str = "api") -> None:
    names = [one.name for one in fleet.ubuntu.engine.containers.values() if one.service == service]
    fleet.ubuntu.engine.containers[names[0]].health = "unhealthy"


def looked(fleet: Fleet, times: int) -> Ran:
    """Cron looks so many times; each command is a minute later than the one before."""
    for _ in range(times):
        ran = fleet.fab("cron.heal --on ubuntu")
    return ran


def test_what_stays_unhealthy_is_restarted_and_told(healed: Fleet) -> None:
    falls_ill(healed)
    ran = looked(healed, 2)
    assert (ran.code, ran.everything, restarted(healed)) == (0, "", 0)
    healed.ubuntu.did.clear()
    ran = looked(healed, 1)
    assert ran.code == 0, ran.everything
    told, done = ran.lines
    assert re.fullmatch(r"\[ubuntu\] app-api-1 has been unhealthy for 12\d s", told)
    assert done == "[ubuntu] ✓ restart app-api-1"
    assert healed.ubuntu.did == RESTARTED
    assert "restart app-api-1" in healed.ubuntu.announced
    notes = [one["note"] for one in entries(healed) if one["task"] == "cron.heal"]
    assert [f"[ubuntu] {note}" for note in notes] == [told]
    assert looked(healed, 3).everything == ""


def test_one_that_recovers_in_time_is_left_alone(healed: Fleet) -> None:
    falls_ill(healed)
    looked(healed, 2)
    healed.ubuntu.engine.containers["app-api-1"].health = "healthy"
    looked(healed, 1)
    falls_ill(healed)
    assert looked(healed, 2).code == 0
    assert restarted(healed) == 0


def test_more_often_than_that_a_person_is_needed(healed: Fleet) -> None:
    for _ in range(2):
        falls_ill(healed)
        assert looked(healed, 3).code == 0
    falls_ill(healed)
    ran = looked(healed, 3)
    assert (ran.code, restarted(healed)) == (1, 2)
    assert ran.error.endswith(
        " s; 2 were healed within the last hour, and at most 2 are: a person is needed"
    )
    healed.ubuntu.clock += 3600
    assert looked(healed, 1).code == 0
    assert restarted(healed) == 3


def test_one_that_fails_counts_and_has_its_time_again(healed: Fleet) -> None:
    falls_ill(healed)
    healed.ubuntu.fail("docker start")
    ran = looked(healed, 3)
    assert ran.code == 1
    assert ran.error == "ubuntu: 'docker start app-api-1' failed with exit code 1"
    healed.ubuntu.engine.containers["app-api-1"].state = "running"
    assert looked(healed, 2).code == 0
    assert looked(healed, 1).code == 1
    looked(healed, 2)
    healed.ubuntu.engine.containers["app-api-1"].state = "running"
    assert looked(healed, 3).error.endswith("a person is needed")


def test_one_that_does_not_get_well_is_a_failure(healed: Fleet) -> None:
    falls_ill(healed)
    healed.ubuntu.fail("docker inspect", ended=Ended(0, "starting\n"))
    ran = looked(healed, 3)
    why = "ubuntu: app-api-1 healthy did not come true within 120 s"
    assert (ran.code, ran.error) == (1, why)


@pytest.mark.parametrize("how", ["frozen", "maintenance", "locked"])
def test_nothing_is_healed_while_somebody_is_at_it(healed: Fleet, how: str) -> None:
    if how == "frozen":
        assert healed.fab("ubuntu.freeze --why sale").code == 0
    if how == "maintenance":
        assert healed.fab("maintenance.on --why moving").code == 0
    if how == "locked":
        healed.ubuntu.locks["locks"] = "anna since 10:00"
    falls_ill(healed)
    assert looked(healed, 4).everything == ""
    assert restarted(healed) == 0


def test_a_lock_that_is_taken_meanwhile_is_not_waited_for(
    healed: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    falls_ill(healed)
    looked(healed, 2)
    real = parse_healing

    def late(text: str) -> Healing:
        healed.ubuntu.locks["locks"] = "anna since 10:00"
        return real(text)

    monkeypatch.setattr("fabfile.ops.deploy.healing.parse_healing", late)
    ran = looked(healed, 1)
    assert (ran.code, ran.err) == (0, ""), ran.everything
    assert ran.lines[-1].startswith("[ubuntu] not now: another change is running: anna")
    assert restarted(healed) == 0


def test_data_and_the_proxy_are_never_touched(healed: Fleet) -> None:
    for service in ("db", "proxy"):
        falls_ill(healed, service)
    assert looked(healed, 4).everything == ""
    assert f"{ROOT}/locks/healing" not in healed.ubuntu.files


def test_it_is_off_unless_the_stack_says_so(filled: Fleet) -> None:
    falls_ill(filled)
    with filled.untouched():
        ran = filled.fab("cron.heal --on ubuntu")
    assert ran.lines == ["[ubuntu] nothing is healed: x-deploy has no heal"]


def test_cron_looks_each_minute(healed: Fleet) -> None:
    assert healed.fab("cron.install").code == 0
    assert f"* * * * * {ROOT}/operator/job cron.heal\n" in (healed.ubuntu.crontab or "")


@pytest.mark.parametrize(
    ("heal", "why"),
    [
        ({}, "x-deploy.heal: {} is not such as {unhealthy: 2m, at_most: 3}"),
        (
            {"unhealthy": "2m", "x": 1},
            "x-deploy.heal: {'unhealthy': '2m', 'x': 1} is not such as {unhealthy: 2m, at_most: 3}",
        ),
        ({"unhealthy": "1s"}, "x-deploy.heal.unhealthy: '1s' is not between 10s and 1h"),
        (
            {"unhealthy": "2m", "at_most": 0},
            "x-deploy.heal.at_most: 0 is no number from 1 to 20",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_the_plan(filled: Fleet, heal: Any, why: str) -> None:
    filled.origin.commit("Wrong", stack(heal))
    ran = filled.fab("ubuntu.plan")
    assert (ran.code, ran.error) == (2, f"ubuntu: {why}")
