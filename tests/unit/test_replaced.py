"""What a deploy takes away without having it in its commit."""

from __future__ import annotations

import pytest

from fabfile.model.commit import Change
from fabfile.model.deploy.replaced import replaced, told

from .builders import NEW, OLD, commit, facts, release

OTHER = "e" * 40


def log(*commits: str) -> tuple[Change, ...]:
    return tuple(Change(one, "A subject", ()) for one in commits)


@pytest.mark.parametrize(
    ("runs", "head", "known", "contains_head", "gone"),
    [
        (NEW, NEW, (NEW, OLD), True, False),
        (OLD, OLD, (NEW, OLD), True, False),
        (OLD, OTHER, (NEW, OLD), False, False),
        (OTHER, OTHER, (NEW, OLD), False, True),
        (OTHER, OTHER, (NEW, OLD), True, False),
        (OTHER, OLD, (NEW, OLD), True, True),
    ],
    ids=[
        "the same",
        "the one before",
        "the one before, checked out otherwise by hand",
        "of a branch",
        "further back than the log",
        "of a branch, checked out otherwise by hand",
    ],
)
def test_a_release_is_replaced_unless_its_commit_is_in_the_wanted_one(
    runs: str, head: str, known: tuple[str, ...], contains_head: bool, gone: bool
) -> None:
    last = release(of=runs)
    wanted = commit(log=log(*known), contains_head=contains_head)
    assert replaced(facts(releases=(last,), head=head, commit=wanted)) == (last if gone else None)


def test_where_nothing_was_deployed_or_no_commit_was_asked_for_nothing_is_replaced() -> None:
    assert replaced(facts(releases=(), commit=commit(log=log(NEW)))) is None
    assert replaced(facts(commit=None)) is None


def test_it_is_told_what_goes_whose_it_is_and_since_when() -> None:
    last = release(of=OTHER, subject="Their page", who="anna@desk", started=1_764_489_600)
    assert told(last) == (
        'replaces eeeeeeee "Their page" by anna@desk at 2025-11-30 08:00 UTC,'
        " which is not in this one"
    )
