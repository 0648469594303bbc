"""What is told of a checkout in which git cannot work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.model.deploy.clone import problems, warnings

from .builders import CHECKOUT, SERVER, commit, facts

GIT = f"{CHECKOUT}/.git"


def test_a_clone_as_it_should_be_has_no_problem() -> None:
    assert problems(SERVER, facts()) == warnings(facts()) == []


@pytest.mark.parametrize(
    ("kind", "about", "problem"),
    [
        (
            "linked",
            GIT,
            f"{GIT} is a file: this is the worktree of another clone; put a clone of its own there",
        ),
        (
            "shallow",
            "",
            (
                f"{CHECKOUT} is a shallow clone, which lacks commits; run on the server:"
                f" git -C {CHECKOUT} fetch --unshallow"
            ),
        ),
        (
            "partial",
            "",
            (
                f"{CHECKOUT} is a partial clone, which lacks files; run on the server:"
                f" git -C {CHECKOUT} fetch --refetch --no-filter &&"
                f" git -C {CHECKOUT} config --unset-all remote.origin.promisor"
            ),
        ),
        (
            "unwritable",
            f"{CHECKOUT}/conf",
            (
                f"user ubuntu may not write where git must: {CHECKOUT}/conf; run:"
                f" sudo chown -R ubuntu {CHECKOUT}/conf && chmod -R u+rwX {CHECKOUT}/conf"
            ),
        ),
        ("busy", "12", f"git is at work in {CHECKOUT} (process 12); wait until it has ended"),
    ],
)
def test_each_has_its_remedy(kind: str, about: str, problem: str) -> None:
    assert problems(SERVER, facts(clone=((kind, about),))) == [problem]


def test_a_folder_of_a_commit_becomes_no_command_of_the_one_who_copies_the_remedy() -> None:
    path = f"{CHECKOUT}/a; sudo reboot"
    (found,) = problems(SERVER, facts(clone=(("unwritable", path),)))
    assert found.endswith(f" sudo chown -R ubuntu '{path}' && chmod -R u+rwX '{path}'")


def test_many_folders_are_one_line() -> None:
    paths = [f"{CHECKOUT}/{name}" for name in "abcdef"]
    seen = facts(clone=(("unwritable", paths[0]),), commit=replace(commit(), blocked=tuple(paths)))
    assert problems(SERVER, seen) == [
        (
            f"user ubuntu may not write where git must: {', '.join(paths[:5])} and others; run:"
            f" sudo chown -R ubuntu {CHECKOUT} && chmod -R u+rwX {CHECKOUT}"
        )
    ]


def test_a_lock_that_a_git_left_is_taken_away_by_the_next_deploy() -> None:
    left = ("stale", f"{GIT}/index.lock")
    assert problems(SERVER, facts(clone=(left,))) == []
    assert warnings(facts(clone=(left,))) == [
        f"a git that died left {GIT}/index.lock; the next deploy takes it away"
    ]
    assert warnings(facts(clone=(left, ("busy", "12")))) == []
