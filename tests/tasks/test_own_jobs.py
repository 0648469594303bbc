"""x-deploy.jobs: read with the stack, installed with ours, run as one-off containers, told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import ROOT
from .shelves import with_database
from .test_journal import entries
from .test_schedule import COLLECTION

TIDY = {
    "service": "api",
    "schedule": "*/5 * * * *",
    "command": ["tidy", "$$HOME"],
    "deadline": "5m",
}
LINE = f"*/5 * * * * {ROOT}/operator/job app:tidy\n"


def stack(**jobs: object) -> dict[str, str]:
    """A commit whose stack has these jobs."""
    model = json.loads(with_database())
    model["x-deploy"]["jobs"] = jobs
    return {"compose/ubuntu.yml": json.dumps(model)}


@pytest.fixture
def tidied(filled: Fleet) -> Fleet:
    """The deployed stack has a job, which is installed."""
    filled.origin.commit("A job", COLLECTION | stack(tidy=TIDY))
    assert filled.fab("deploy").code == 0
    ran = filled.fab("cron.install")
    assert ran.code == 0, ran.everything
    filled.forget()
    return filled


def of_cron(fleet: Fleet) -> list[str]:
    """What doctor says of the schedule."""
    warnings = fleet.fab("doctor --json").json["ubuntu"]["warnings"]
    return [line for line in warnings if "job app:" in line]


def test_a_job_stands_in_the_crontab_with_ours_and_in_the_list(tidied: Fleet) -> None:
    assert LINE in (tidied.ubuntu.crontab or "")
    assert f" {ROOT}/operator/job db.backup" in (tidied.ubuntu.crontab or "")
    tidied.ubuntu.stamps["app:tidy.failure"] = (tidied.ubuntu.clock, "ubuntu: job tidy failed")
    (job,) = [
        one for one in tidied.fab("cron.list --json").json["ubuntu"] if one["task"] == "app:tidy"
    ]
    assert (job["when"], job["why"]) == ("*/5 * * * *", "ubuntu: job tidy failed")
    assert any("job app:tidy: failed" in line for line in tidied.fab("ubuntu.status").lines)


def test_it_runs_in_a_container_of_its_own_under_its_deadline(tidied: Fleet) -> None:
    ran = tidied.fab("cron.run tidy")
    assert (ran.code, ran.lines) == (0, ["[ubuntu] tidied"]), ran.everything
    (words,) = [words for words in tidied.ubuntu.transcript if words[3:4] == ("own-job",)]
    assert words[4:7] == (f"{ROOT}/locks/job-tidy", "app-job-tidy", "300")
    assert words[words.index("run") :] == (
        *("run", "--rm", "--no-deps", "-T", "--name", "app-job-tidy", "api", "tidy", "$HOME"),
    )
    entry = entries(tidied)[-1]
    assert (entry["task"], entry["arguments"], entry["code"]) == ("cron.run", ["tidy"], 0)


@pytest.mark.parametrize(
    ("ended", "code", "error"),
    [
        (Ended(3, "half\n", "why\n"), 1, "ubuntu: job tidy failed with exit code 3"),
        (Ended(124), 1, "ubuntu: job tidy did not end within 300 s; it was ended"),
        (Ended(75), 2, "ubuntu: job tidy runs already; nothing was done"),
    ],
)
def test_one_that_does_not_do_it_says_why(
    tidied: Fleet, ended: Ended, code: int, error: str
) -> None:
    tidied.ubuntu.own_job = ended
    ran = tidied.fab("cron.run tidy")
    assert (ran.code, ran.error) == (code, error)
    assert entries(tidied)[-1]["code"] == code


def test_a_job_that_is_not_there_is_refused(tidied: Fleet) -> None:
    ran = tidied.fab("cron.run tidi")
    told = "no job 'tidi' in the stack that is deployed; jobs: tidy; did you mean tidy?"
    assert (ran.code, ran.error) == (2, told)


def test_what_differs_from_the_stack_is_told_before_and_after_a_deploy(tidied: Fleet) -> None:
    assert of_cron(tidied) == []
    later = {**TIDY, "schedule": "0 4 * * *"}
    tidied.origin.commit("Other jobs", stack(tidy=later, count={**TIDY, "command": ["count"]}))
    told = [
        (
            "job app:tidy is at '*/5 * * * *' in the crontab and at '0 4 * * *' in the stack:"
            " fab cron.install changes it"
        ),
        "job app:count is not in the crontab: fab cron.install puts it there",
    ]
    ran = tidied.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert all(one in ran.unbroken for one in told)
    assert of_cron(tidied) == told
    assert tidied.fab("cron.install").code == 0
    assert of_cron(tidied) == []
    tidied.origin.commit("No jobs", stack())
    assert tidied.fab("ubuntu.deploy").code == 0
    gone = "is in the crontab and not in the stack any more: fab cron.install takes it out"
    assert of_cron(tidied) == [f"job app:tidy {gone}", f"job app:count {gone}"]
    assert tidied.fab("cron.install").code == 0
    assert "app:" not in (tidied.ubuntu.crontab or "")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"schedule": "@daily"}, ("tidy.schedule: '@daily': it is not five fields with a blank between"
                             " them: minute hour day month weekday")),
    ({"schedule": "61 * * * *"}, ("tidy.schedule: '61 * * * *': '61' is no minute (0 to 59, *, 1-5,"
                                 " */15, with commas)")),
    ({"service": "apj"}, "tidy.service: no service 'apj' in the stack; did you mean api?"),
    ({"command": "tidy up"}, ("tidy.command: 'tidy up' is no list of words, such as"
                             " [python, -m, app.tidy]")),
    ({"deadline": "7h"}, "tidy.deadline: '7h' is not between 1s and 6h"),
    ({"deadline": "soon"}, "tidy.deadline 'soon' is no duration: 90s, 10m or 1h"),
    ({"overlap": True}, "tidy: unknown key overlap; known: command, deadline, schedule, service"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "why"), WRONG, ids=lambda one: str(one)[:30])
def test_what_is_wrong_is_refused_in_the_plan_with_its_place(
    filled: Fleet, part: dict[str, Any], why: str
) -> None:
    filled.origin.commit("Wrong", stack(tidy=TIDY | part))
    with filled.untouched():
        ran = filled.fab("ubuntu.plan")
    assert (ran.code, ran.error) == (2, f"ubuntu: x-deploy.jobs.{why}")


def test_a_name_that_is_none_is_refused(filled: Fleet) -> None:
    filled.origin.commit("Wrong", stack(**{"Tidy up": TIDY}))
    ran = filled.fab("ubuntu.plan")
    why = "x-deploy.jobs.Tidy up: no name of a job: a-z 0-9 _ -, at most 40"
    assert (ran.code, ran.error) == (2, f"ubuntu: {why}")
