"""On a terminal a deploy asks once; off it nothing waits for a person who is not there."""

from __future__ import annotations

import pytest

from .fakes.fleet import Fleet


@pytest.fixture
def second(running: Fleet) -> Fleet:
    """A second commit waits to be deployed."""
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    return running


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_a_no_changes_nothing(second: Fleet, answer: str) -> None:
    with second.untouched():
        ran = second.fab_on_a_terminal("ubuntu.deploy", answer)
    assert (ran.code, ran.error) == (2, "nothing was changed: the answer was no")
    assert "[ubuntu] plan for 00000002 Second (from 00000001)" in ran.lines


def test_a_yes_goes_ahead_and_the_plan_is_shown_once(second: Fleet) -> None:
    ran = second.fab_on_a_terminal("ubuntu.deploy", "y\n")
    assert ran.code == 0, ran.everything
    assert second.ubuntu.head == second.origin.tip.id
    assert ran.out.count("plan for 00000002") == 1
    assert ran.out.count("Go ahead? [y/N]") == 1


def test_a_flag_answers_beforehand(second: Fleet) -> None:
    ran = second.fab_on_a_terminal("ubuntu.deploy --yes", "")
    assert ran.code == 0, ran.everything
    assert "Go ahead?" not in ran.out


def test_off_a_terminal_nothing_is_asked(second: Fleet) -> None:
    ran = second.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert "Go ahead?" not in ran.out


def test_a_plan_that_changed_after_it_was_shown_is_not_carried_out(
    second: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def agree_late(*_: object) -> bool:
        second.origin.commit("Third", {"services/api/app.py": "api, third version\n"})
        return True

    monkeypatch.setattr("fabfile.ui.console.Console.confirm", agree_late)
    with second.untouched():
        ran = second.fab_on_a_terminal("ubuntu.deploy", "")
    assert (ran.code, ran.error) == (
        2,
        "a server changed after the plan was shown; run the command again",
    )


def test_a_rollback_asks_too(second: Fleet) -> None:
    assert second.fab("ubuntu.deploy").code == 0
    with second.untouched():
        ran = second.fab_on_a_terminal("ubuntu.rollback", "n\n")
    assert (ran.code, ran.error) == (2, "nothing was changed: the answer was no")
    assert second.fab_on_a_terminal("ubuntu.rollback", "yes\n").code == 0
    assert second.ubuntu.head == second.origin.commits[0].id
