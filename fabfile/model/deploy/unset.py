"""Stacks without ``.env.example``: what they read of ``.env``, and whether they need one at all."""

from __future__ import annotations

from pathlib import PurePosixPath

from ..commit import Commit
from ..facts import Facts


def without_env(where: PurePosixPath, facts: Facts) -> tuple[str, ...]:
    """Why there must be a ``.env``; none: the first deploy makes one."""
    if facts.commit is None or not facts.commit.bare:
        return (f"no {where}: fab env.init makes it",)
    if last := facts.verified:
        return (f"no {where}, which release {last.id} had: bring back the copy beside its record",)
    return unset(where, facts.commit)


def unset(where: PurePosixPath, commit: Commit | None) -> tuple[str, ...]:
    """The variables that compose would take for empty."""
    names = commit.unset if commit else ()
    many = ", ".join(names)
    return (f"the stack reads {many}: set each in {where}, empty if so meant",) if names else ()
