"""Releases: what one deploy made of a server, kept as ``releases/ID/release.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

RUNNING = "running"
VERIFIED = "verified"
ACCEPTED = "accepted"
FAILED = "failed"
DIED = "died"
"""Of a record without an end at which nobody is: never written, only seen."""


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
    started: int
    outcome: str = RUNNING
    """``running``, ``verified``, ``accepted`` (a red gate was waived by name), ``failed``."""
    finished: int = 0
    back_to: str = ""
    """Id of the release that this one went back to; empty for a deploy."""
    commits: Mapping[str, str] = field(default_factory=dict)
    """Service → commit that it is as of; one that ``--only`` left out keeps its earlier one."""
    images: Mapping[str, Image] = field(default_factory=dict)
    """Service → image."""
    definitions: Mapping[str, str] = field(default_factory=dict)
    """Service → compose's digest of its definition."""
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
    backup: str = ""
    """The verified backup that was taken before its migration; empty: none was needed."""
    plan: tuple[str, ...] = ()
    steps: tuple[Done, ...] = ()
    gates: tuple[Done, ...] = ()
    waived: tuple[str, ...] = ()
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether it may be called the last good one."""
        return self.outcome in (VERIFIED, ACCEPTED)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    def ended(self, outcome: str, at: int, **changes: Any) -> Release:
        """The same release with its end."""
        return replace(self, outcome=outcome, finished=at, **changes)


def identity(at: str, commit: str) -> str:
    """The id of a release: ``at`` is its start as ``YYYYMMDDTHHMMSSZ``."""
    return f"{at}-{commit[:8]}"


def parse_release(line: str) -> Release | None:
    """Read one record; None when it is not one (a torn write is no release)."""
    try:
        raw = json.loads(line)
        return Release(
            **{
                **raw,
                "images": {name: Image(**image) for name, image in raw["images"].items()},
                "plan": tuple(raw["plan"]),
                "steps": tuple(Done(**step) for step in raw["steps"]),
                "gates": tuple(Done(**gate) for gate in raw["gates"]),
                "waived": tuple(raw["waived"]),
            }
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
