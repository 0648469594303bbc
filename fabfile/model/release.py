"""Releases: what one deploy made of a server, kept as ``releases/ID/release.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .reading import Instant, load, make

RUNNING = "running"
VERIFIED = "verified"
ACCEPTED = "accepted"
STARTED = "started"
FAILED = "failed"
OUTCOMES = (RUNNING, VERIFIED, ACCEPTED, STARTED, FAILED)
LINES = 40
"""Lines of evidence that a record holds."""
LONGEST = 400
"""Characters of such a line."""
DIED = "died"
"""Of a record without an end at which nobody is: never written, only seen."""

KILLED = "the former one was killed (exit code 137): it takes longer than its stop_grace_period"
"""In the note of a step that replaced a container which did not end by itself."""


@dataclass(frozen=True)
class Image:
    """The image that a service of a release runs."""

    tag: str
    id: str


@dataclass(frozen=True)
class Done:
    """A step or gate as it went. ``outcome``: ``done``, ``failed``, ``ok``, ``red``, ``waived``."""

    title: str
    outcome: str
    seconds: float
    note: str = ""


@dataclass(frozen=True)
class Release:
    """One deploy of one server. Times are seconds since 1970, by the server's clock."""

    id: str
    """``20261123T101500Z-1a2b3c4d``: start and commit; sorts by time."""
    server: str
    commit: str
    subject: str
    ref: str
    who: str
    started: Instant
    outcome: str = RUNNING
    """``running``, ``verified``, ``accepted`` (a red gate was waived by name), ``started``
    (nothing in the stack asks whether it works), ``failed``."""
    finished: Instant = 0
    back_to: str = ""
    """Id of the release that this one went back to; empty for a deploy."""
    commits: Mapping[str, str] = field(default_factory=dict)
    """Service → commit that it is as of; one that ``--only`` left out keeps its earlier one."""
    images: Mapping[str, Image] = field(default_factory=dict)
    """Service → image."""
    definitions: Mapping[str, str] = field(default_factory=dict)
    """Service → compose's digest of its definition."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Service → salted digest of its definition, the same whichever compose resolved it."""
    engine: str = ""
    """Version of the engine; empty in records of before."""
    compose: str = ""
    """Version of compose, likewise."""
    configuration: Mapping[str, str] = field(default_factory=dict)
    """Service → digest of the files of the repository that it mounts."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """Service → salted digest of what its configs and secrets say."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Network or volume of the stack → digest of its definition."""
    env_salt: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    """Key of ``.env`` → salted digest of its value."""
    schema: str = ""
    """Revision of the database after the deploy."""
    kept: Instant = 0
    """Until when the replicas of the release before it run on, for a rollback by one load."""
    backup: str = ""
    """The verified backup that was taken before its migration; empty: none was needed."""
    plan: tuple[str, ...] = ()
    steps: tuple[Done, ...] = ()
    gates: tuple[Done, ...] = ()
    waived: tuple[str, ...] = ()
    error: str = ""
    evidence: tuple[str, ...] = ()
    """The last lines of what failed, as they stood below the error."""

    @property
    def passed(self) -> bool:
        """Whether it may be called the last good one."""
        return self.outcome in (VERIFIED, ACCEPTED, STARTED)

    def view(self, outcome: str = "") -> dict[str, Any]:
        """As status and history print it. ``outcome``: another one than is recorded; see DIED."""
        return {
            "id": self.id,
            "server": self.server,
            "commit": self.commit,
            "subject": self.subject,
            "outcome": outcome or self.outcome,
            "who": self.who,
            "started": self.started,
            "seconds": max(self.finished - self.started, 0) if self.finished else None,
            "error": self.error,
        }

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    def ended(self, outcome: str, at: int, **changes: Any) -> Release:
        """The same release with its end."""
        return replace(self, outcome=outcome, finished=at, **changes)


def killed(releases: Sequence[Release]) -> list[str]:
    """The steps that killed a container the last time that they were done."""
    last = {step.title: step.note for release in releases for step in release.steps}
    return [f"{title}: {KILLED}" for title, note in last.items() if KILLED in note]


def kept_evidence(lines: Sequence[str]) -> tuple[str, ...]:
    """As much of an error's evidence as a record holds: its end, without the rest of long lines."""
    return tuple(line[:LONGEST] for line in lines[-LINES:])


def identity(at: str, commit: str) -> str:
    """The id of a release: ``at`` is its start as ``YYYYMMDDTHHMMSSZ``."""
    return f"{at}-{commit[:8]}"


def parse_release(text: str) -> Release | None:
    """Read one record; None when it cannot be read, as after a torn write: then it is no release.

    A value of another type, a field twice, an outcome that there is not: nothing of such a record
    is believed.
    """
    try:
        release = make(Release, load(text))
    except ValueError:
        return None
    return release if release.outcome in OUTCOMES else None
