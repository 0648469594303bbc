"""What a deploy takes away without having it: a release whose commit is not in the wanted one.

Somebody deployed a branch of theirs, say, and another person deploys theirs over it.
"""

from __future__ import annotations

from ..facts import Facts
from ..release import Release
from .switching import instant


def replaced(facts: Facts) -> Release | None:
    """The release that runs, unless its commit is the wanted one or came before it."""
    last, commit = facts.verified, facts.commit
    if last is None or commit is None or commit.since(last.commit) is not None:
        return None
    return None if commit.contains_head and facts.head == last.commit else last


def told(release: Release) -> str:
    """What it is that goes, whose, and since when."""
    return (
        f'replaces {release.commit[:8]} "{release.subject}" by {release.who} at'
        f" {instant(release.started)}, which is not in this one"
    )
