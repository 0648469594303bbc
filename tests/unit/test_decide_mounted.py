"""What a container mounts is what the release that made it had, be that one that passed or not."""

from __future__ import annotations

from typing import Any

import pytest

from fabfile.model.deploy.plan import Kind, Plan
from fabfile.model.release import Done, Release

from .builders import NEW, OLD, STACK, TREE, release, target
from .planning import changed, plan, with_service

MOUNTING = with_service("web", mounts=STACK.service("proxy").mounts[:1])
AFTER = changed("nginx/nginx.conf")
FORMER = target(MOUNTING, TREE).configuration
FAILED = target(MOUNTING, AFTER).configuration
ROLLED = Done("roll web", "done", 1)
CHECKED_OUT = Done("checkout 00000002", "done", 1)


def failed(*steps: Done, outcome: str = "failed", **changes: Any) -> Release:
    return release(
        "r2", NEW, outcome=outcome, configuration=FAILED, steps=(CHECKED_OUT, *steps), **changes
    )


def rolled(made: Plan) -> list[tuple[str, bool]]:
    return [(step.subject, step.force) for step in made.steps if step.kind is Kind.ROLL]


def back(*later: Release) -> Plan:
    """The way back to the release that passed."""
    last = release("r1", configuration=FORMER)
    return plan(TREE, MOUNTING, to=OLD, releases=(last, *later))


def again(*later: Release) -> Plan:
    """The same deploy again."""
    last = release("r1", configuration=FORMER)
    return plan(AFTER, MOUNTING, releases=(last, *later))


def test_the_way_back_brings_the_former_files_back_to_who_runs_with_the_failed_ones() -> None:
    assert rolled(back(failed(ROLLED))) == [("web", True)]


def test_the_way_back_leaves_alone_who_was_not_replaced_yet() -> None:
    assert rolled(back(failed())) == []
    assert rolled(back(failed(Done("roll api-1", "done", 1)))) == []


@pytest.mark.parametrize("outcome", ["failed", "interrupted"])
def test_who_may_have_been_replaced_is_replaced_either_way(outcome: str) -> None:
    half = failed(Done("roll web", outcome, 1))
    assert rolled(back(half)) == rolled(again(half)) == [("web", True)]


@pytest.mark.parametrize("outcome", ["running", "failed"])
def test_who_may_have_been_replaced_by_a_run_without_a_record_is_replaced(outcome: str) -> None:
    died = release("r2", NEW, outcome=outcome, configuration=FAILED)
    assert rolled(back(died)) == rolled(again(died)) == [("web", True)]


def test_who_runs_with_the_wanted_files_already_is_left_alone() -> None:
    assert rolled(again(failed(ROLLED))) == []


def test_the_last_of_several_that_failed_tells_what_runs() -> None:
    other = release("r3", NEW, outcome="failed", configuration=FORMER, steps=(ROLLED,))
    assert rolled(back(failed(ROLLED), other)) == []


def test_after_a_way_back_that_was_proved_nothing_is_to_do() -> None:
    proved = release("r3", OLD, configuration=FORMER, back_to="r1", steps=(ROLLED,))
    assert rolled(back(failed(ROLLED), proved)) == []
