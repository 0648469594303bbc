"""What a definition means is one text for all versions of compose, and tells an upgrade of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.access.envfile import digest
from fabfile.model.deploy.meaning import meaning
from fabfile.model.release import Release

from .builders import STACK, release
from .planning import FETCH, plan, steps, with_service

OLD_COMPOSE: dict[str, Any] = {
    "deploy": {"placement": {}},
    "environment": {"A": "", "B": None},
    "volumes": [
        {"type": "bind", "source": "/a", "target": "/a", "bind": {}},
        {"type": "bind", "source": "/b", "target": "/b", "bind": {"create_host_path": True}},
    ],
}
"""As compose 2.26 and 2.40 resolve it."""
NEW_COMPOSE: dict[str, Any] = {
    "deploy": {},
    "environment": {"A": ""},
    "volumes": [
        {"type": "bind", "source": "/a", "target": "/a", "bind": {"create_host_path": False}},
        {"type": "bind", "source": "/b", "target": "/b", "bind": {}},
    ],
}
"""As compose 5.6 does."""


def test_versions_of_compose_write_one_definition_in_two_ways() -> None:
    assert meaning(OLD_COMPOSE) == meaning(NEW_COMPOSE)


@pytest.mark.parametrize(
    "other",
    [{"environment": {"A": "1"}}, {"environment": {}}, {"privileged": True}, {"volumes": []}],
)
def test_another_definition_means_something_else(other: dict[str, Any]) -> None:
    assert meaning(OLD_COMPOSE | other) != meaning(OLD_COMPOSE)


def made_by(compose: str, **meanings: str) -> Release:
    """A release of that version of compose, in which some services meant something."""
    said = {name: digest(text, "salt") for name, text in meanings.items()}
    return replace(release(), compose=compose, meanings=said)


WEB = with_service("web", config_hash="other", meaning="the same")


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ("2.26.1", "2.40.3", "compose was upgraded from 2.26.1 to 2.40.3"),
        ("2.26.1-4", "2.40.3-3", "compose was upgraded from 2.26.1 to 2.40.3"),
        ("2.9.0", "2.26.1", "compose was upgraded from 2.9.0 to 2.26.1"),
        ("5.6.1", "2.40.3-3", "compose was downgraded from 5.6.1 to 2.40.3"),
    ],
)
def test_a_digest_that_only_compose_changed_is_said_to_be_that(
    before: str, now: str, said: str
) -> None:
    made = plan(stack=WEB, compose=now, releases=(made_by(before, web="the same"),))
    assert [step for step in steps(made) if step[0] == "roll web"] == [("roll web", said)]


@pytest.mark.parametrize(
    "last",
    [
        made_by("2.26.1", web="the same"),
        made_by("5.6.1", web="something else"),
        made_by("5.6.1"),
        release(),
    ],
    ids=["the same compose", "another definition too", "of a new service", "an old record"],
)
def test_anything_else_is_a_change_of_the_definition(last: Release) -> None:
    made = plan(stack=WEB, releases=(last,))
    (rolled,) = [step for step in steps(made) if step[0] == "roll web"]
    assert rolled == ("roll web", "definition or environment changed")


def test_an_upgrade_that_changes_no_digest_touches_nothing() -> None:
    said = {one.name: one.meaning for one in STACK.services}
    made = plan(compose="2.40.3", releases=(made_by("2.26.1", **said),))
    assert [step for step in steps(made) if step[0] not in (FETCH[0], "checkout 00000000")] == []


def test_what_a_definition_means_does_not_show() -> None:
    assert "the same" not in repr(WEB)
