"""Which servers a commit changes, and whether a workflow may deploy it at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fabfile.model.deploy.plan import Kind
from fabfile.model.errors import refused

from .git import FULL_ID, differ, has

MOVES = frozenset({Kind.FETCH, Kind.CHECKOUT})
"""Steps of every plan for another commit: they change nothing that runs."""
COLLECTION = ("fabfile", "requirements.txt", "requirements-patchwork.txt")
"""What cron on a server runs in its checkout (docs/cron.md)."""


def require_merged(project: Path, ref: str) -> None:
    """Exit code 2 unless ``ref`` is a full id in the history of what is checked out in ``project``.

    The keys' environment lets only runs of its branch in, but asks nothing about what they deploy.
    """
    if not FULL_ID.fullmatch(ref):
        raise refused("--ref: a full commit id is needed, 40 hexadecimal digits")
    if not has(project, "HEAD", ref):
        raise refused(
            f"{ref[:8]} is not in the history of the branch that this run is of; merge it first,"
            " or deploy it with fab from a machine that has the keys"
        )


def changed_servers(project: Path, ref: str, plans: Iterable[Mapping[str, Any]]) -> list[str]:
    """Of the entries of ``plan --json``, the servers that would not run the same afterwards."""
    return [plan["server"] for plan in plans if _changes(project, ref, plan)]


def _changes(project: Path, ref: str, plan: Mapping[str, Any]) -> bool:
    """A step that does more than move the checkout, or other files for the server's own jobs.

    A release whose commit is not known here counts as other files.
    """
    if any(step["kind"] not in MOVES for step in plan["steps"]):
        return True
    since = plan["since"]  # a server's word, which must not become an option of git
    if not FULL_ID.fullmatch(since):
        return True
    return differ(project, since, ref, *COLLECTION)
