"""Whether a commit is one that a newer one has taken the place of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabfile.model.errors import refused

from .git import FULL_ID, has, read


def newest(project: Path, branch: str) -> str:
    """The commit at which ``branch`` stood at its repository when this checkout was fetched.

    A runner fetches when its job begins, so after all waiting. Exit code 2 when it has not.
    """
    tip = read(project, "rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{branch}")
    if not FULL_ID.fullmatch(tip):
        raise refused(f"origin/{branch} is not known in this checkout; git fetch first")
    return tip


def overtaken(
    project: Path, ref: str, status: Mapping[str, Mapping[str, Any]]
) -> tuple[tuple[str, str], ...]:
    """Of what ``status --json`` prints, each server whose release has ``ref`` in its history.

    With it the commit of that release. To deploy ``ref`` would take such a server back.
    """
    found = ((name, one["release"]["commit"]) for name, one in status.items() if one["release"])
    return tuple(
        (server, commit)
        for server, commit in found
        # a server's word, which must not become an option of git
        if FULL_ID.fullmatch(commit) and commit != ref and has(project, commit, ref)
    )
