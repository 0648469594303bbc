"""A deploy over what somebody else deployed, and what is not in its own commit."""

from __future__ import annotations

import pytest

from .fakes.fleet import Fleet

TOLD = (
    'warning: replaces 00000002 "Theirs" by somebody (CI run 7) at {when}, which is not in this one'
)
ASKED = "Replace on ubuntu a release that is not in this commit? [y/N]"


@pytest.fixture
def mine(running: Fleet) -> Fleet:
    """Somebody deployed their branch to ubuntu; mine was made on what stood before it."""
    theirs = running.origin.commit("Theirs", {"services/web/index.html": "Welcome, theirs\n"})
    assert running.fab("ubuntu.deploy").code == 0
    assert running.ubuntu.head == theirs
    running.origin.commit("Mine", {"services/web/index.html": "Welcome, mine\n"}, on="00000001")
    running.forget()
    return running


def told(fleet: Fleet) -> str:
    at = fleet.releases("ubuntu")[-1].id
    return TOLD.format(when=f"{at[:4]}-{at[4:6]}-{at[6:8]} {at[9:11]}:{at[11:13]} UTC")


@pytest.mark.parametrize("line", ["plan", "ubuntu.plan", "ubuntu.deploy --dry-run"])
def test_the_plan_tells_what_it_takes_away(mine: Fleet, line: str) -> None:
    with mine.untouched():
        ran = mine.fab(line)
    assert (ran.code, told(mine) in ran.unbroken) == (0, True), ran.everything
    assert ran.unbroken.count("which is not in this one") == 1


def test_a_program_finds_it_among_the_notes(mine: Fleet) -> None:
    (plan,) = mine.fab("ubuntu.plan --json").json
    assert plan["notes"][0] == told(mine).removeprefix("warning: ")


@pytest.mark.parametrize("answer", ["\n", "n\n", ""])
def test_on_a_terminal_it_asks_and_anything_but_yes_changes_nothing(
    mine: Fleet, answer: str
) -> None:
    with mine.untouched():
        ran = mine.fab_on_a_terminal("ubuntu.deploy", answer)
    assert (ran.code, ran.error) == (2, "nothing was changed: the answer was no")
    assert told(mine) in ran.unbroken
    assert ran.out.count(ASKED) == 1


def test_yes_replaces_it_and_nothing_else_is_asked(mine: Fleet) -> None:
    ran = mine.fab_on_a_terminal("ubuntu.deploy", "y\n")
    assert ran.code == 0, ran.everything
    assert (ran.out.count("[y/N]"), mine.ubuntu.head) == (1, mine.origin.tip.id)


@pytest.mark.parametrize("terminal", [False, True])
def test_off_a_terminal_or_with_yes_it_goes_ahead_and_warns(mine: Fleet, terminal: bool) -> None:
    ran = mine.fab_on_a_terminal("ubuntu.deploy --yes", "") if terminal else mine.fab("deploy")
    assert ran.code == 0, ran.everything
    assert (told(mine).partition(" at ")[0] in ran.unbroken, "[y/N]" in ran.everything) == (
        True,
        False,
    )
    assert mine.ubuntu.head == mine.origin.tip.id


def test_what_is_in_the_commit_is_not_told_however_far_back_it_is(running: Fleet) -> None:
    for number in range(3):
        running.origin.commit(f"Later {number}", {"README.md": f"{number}\n"})
    ran = running.fab_on_a_terminal("ubuntu.deploy", "n\n")
    assert "Go ahead? [y/N]" in ran.out
    assert "which is not in this one" not in ran.out


def test_an_older_commit_by_name_is_told_too_and_a_rollback_is_not(mine: Fleet) -> None:
    assert told(mine) in mine.fab("ubuntu.plan --ref 00000001").unbroken
    ran = mine.fab("ubuntu.rollback")
    assert (ran.code, "which is not in this one" in ran.out) == (0, False)


def test_a_restart_of_what_runs_replaces_nothing(mine: Fleet) -> None:
    ran = mine.fab("ubuntu.restart --service web")
    assert (ran.code, "which is not in this one" in ran.out) == (0, False)
