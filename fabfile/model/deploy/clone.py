"""The checkout as a clone: what keeps git from working there, found before anything is changed."""

from __future__ import annotations

import shlex

from ..facts import Facts
from ..inventory import Server

SHOWN = 5
"""Paths that are named of those that cannot be written."""


def problems(server: Server, facts: Facts) -> list[str]:
    """Why git could not bring the checkout to another commit, each one line."""
    where = str(server.path)
    paths = [path for kind, path in facts.clone if kind == "unwritable"]
    paths += facts.commit.blocked if facts.commit else ()
    return [
        *(found for kind, about in facts.clone if (found := _told(where, kind, about))),
        *_unwritable(where, list(dict.fromkeys(paths)), facts.user),
    ]


def warnings(facts: Facts) -> list[str]:
    """What the next deploy mends by itself."""
    left = [path for kind, path in facts.clone if kind == "stale"]
    if not left or any(kind == "busy" for kind, _ in facts.clone):
        return []
    return [f"a git that died left {', '.join(left)}; the next deploy takes it away"]


def _told(where: str, kind: str, about: str) -> str:
    match kind:
        case "linked":
            return (
                f"{where}/.git is a file: this is the worktree of another clone; put a clone of its"
                " own there"
            )
        case "shallow":
            return (
                f"{where} is a shallow clone, which lacks commits; run on the server:"
                f" git -C {where} fetch --unshallow"
            )
        case "partial":
            return (
                f"{where} is a partial clone, which lacks files; run on the server:"
                f" git -C {where} fetch --refetch --no-filter &&"
                f" git -C {where} config --unset-all remote.origin.promisor"
            )
        case "busy":
            return f"git is at work in {where} (process {about}); wait until it has ended"
    return ""


def _unwritable(where: str, paths: list[str], user: str) -> list[str]:
    if not paths:
        return []
    shown = ", ".join(paths[:SHOWN]) + (" and others" if len(paths) > SHOWN else "")
    # A commit names its folders: none may become a command of the one who copies this line.
    wrong = shlex.join(paths if len(paths) <= SHOWN else [where])
    return [
        (
            f"user {user} may not write where git must: {shown}; run:"
            f" sudo chown -R {user} {wrong} && chmod -R u+rwX {wrong}"
        )
    ]
