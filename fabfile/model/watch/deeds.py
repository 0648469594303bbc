"""Deeds: releases and the entries of journals as one list, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import DONE, FAILED, REFUSED
from ..facts import Facts
from ..journal import Entry
from ..release import ACCEPTED, RUNNING, STARTED, VERIFIED, Release

OUTCOMES = {DONE: "done", FAILED: "failed", REFUSED: "refused"}
NEEDS_A_PERSON = "needs a person"


@dataclass(frozen=True)
class Deed:
    """What somebody did on a server: a release, or another task that changed something there."""

    at: int
    server: str
    who: str
    task: str
    """Of a release ``deploy``, ``rollback`` or ``restart``."""
    outcome: str
    """Of a release its own; else ``done``, ``failed``, ``refused`` or ``needs a person``."""
    seconds: float | None
    """None: it has no end."""
    arguments: tuple[str, ...] = ()
    occasion: str = ""
    code: int | None = None
    """Of a release None."""
    keys: tuple[str, ...] = ()
    error: str = ""
    note: str = ""
    collection: str = ""
    release: str = ""
    commit: str = ""
    subject: str = ""

    @property
    def line(self) -> str:
        """What was done, how it ended, who did it, and why it failed."""
        told = [self.commit[:8], self.subject, *self.arguments]
        if self.keys and not {*self.keys} <= {*self.arguments}:
            told.append(f"({', '.join(self.keys)})")
        words = " ".join((self.task, *filter(None, told)))
        took = "" if self.seconds is None else f" in {self.seconds:.0f} s"
        ended = f"{words}: {self.outcome}{took}, by {self.who}"
        return "; ".join(filter(None, (ended, self.note, self.error)))

    @property
    def is_well(self) -> bool:
        """Whether it came to what it was for, or goes on."""
        return self.outcome in (OUTCOMES[DONE], VERIFIED, ACCEPTED, STARTED, RUNNING)


def deeds(name: str, facts: Facts, entries: Sequence[Entry]) -> Iterator[Deed]:
    """All that is known of one server, in no order."""
    for number, release in enumerate(facts.releases):
        yield _of_release(release, facts.outcome(release), facts.releases[:number])
    for entry in entries:
        yield Deed(
            entry.at,
            name,
            entry.who,
            entry.task,
            OUTCOMES.get(entry.code, NEEDS_A_PERSON),
            entry.seconds,
            entry.arguments,
            entry.occasion,
            entry.code,
            entry.keys,
            entry.error,
            entry.note,
            entry.collection,
        )


def _of_release(release: Release, outcome: str, before: Sequence[Release]) -> Deed:
    return Deed(
        release.started,
        release.server,
        release.who,
        _task(release, before),
        outcome,
        max(release.finished - release.started, 0) if release.finished else None,
        error=release.error,
        release=release.id,
        commit=release.commit,
        subject=release.subject,
    )


def _task(release: Release, before: Sequence[Release]) -> str:
    """A restart goes back to the very release that runs."""
    if not release.back_to:
        return "deploy"
    return "restart" if before and before[-1].id == release.back_to else "rollback"
