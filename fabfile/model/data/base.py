"""Base backups: from one of them and the log since, a database comes back as of any instant."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from .. import names
from . import manifest

ABOUT = frozenset({"name", "number", "taken", "server", "who"})
LATER = frozenset({"bytes", "sha256", "ended", "segment"})


@dataclass(frozen=True)
class Base:
    """A copy of a whole database cluster. Times are seconds since 1970 by the server's clock."""

    name: str
    """``base_20261123T030000Z.tar.zst``, the file's name."""
    number: int
    """Counts up: the order in which they were made."""
    taken: int
    server: str
    who: str
    bytes: int = 0
    """Size of the file."""
    sha256: str = ""
    ended: int = 0
    """The first instant that it can be brought to."""
    segment: str = ""
    """The first segment of the log that it needs."""

    @property
    def about(self) -> str:
        """What the manifest begins with, known before the copy."""
        known = {key: value for key, value in asdict(self).items() if key in ABOUT}
        return json.dumps(known, sort_keys=True)


@dataclass(frozen=True)
class Bases:
    """What a server has to go back in time with."""

    now: int
    bases: tuple[Base, ...] = ()
    """In the order in which they were made."""

    def next_number(self) -> int:
        """The number of the next one."""
        return self.bases[-1].number + 1 if self.bases else 1

    def before(self, instant: int) -> Base | None:
        """The newest one that can be brought to that instant."""
        return next((base for base in reversed(self.bases) if base.ended <= instant), None)

    def outlived(self, keep: int) -> tuple[Base, ...]:
        """Those that are not among the newest ``keep``; the newest always stays."""
        return self.bases[: -max(keep, 1)]


def parse_base(line: str, name: str = "") -> Base | None:
    """Read one manifest; None when it is not one, or not of ``name``."""
    try:
        raw = manifest.only(manifest.load(line), LATER | {"about"})
        about = manifest.only(raw["about"], ABOUT)
        found = Base(
            name=manifest.match(names.BASE, about["name"]),
            number=manifest.natural(about["number"]),
            taken=manifest.time(about["taken"]),
            server=manifest.match(names.SERVER, about["server"]),
            who=manifest.text(about["who"]),
            bytes=manifest.natural(raw["bytes"]),
            sha256=manifest.match(names.SHA256, raw["sha256"]),
            ended=manifest.time(raw["ended"]),
            segment=manifest.match(names.SEGMENT, raw["segment"]),
        )
    except manifest.WRONG:
        return None
    return found if name in ("", found.name) else None


def parse_bases(output: str) -> Bases:
    """Read what ``remote/data/bases.sh`` answers: a base counts when it is as long as it says."""
    now = 0
    found: list[Base] = []
    for line in output.split("\n"):
        kind, _, rest = line.partition(" ")
        if kind == "now":
            now = int(rest)
        elif kind == "base":
            size, name, text = rest.split(" ", 2)
            base = parse_base(text, name)
            if base and base.bytes == int(size):
                found.append(base)
    return Bases(now, tuple(sorted(found, key=lambda base: base.number)))


def when(seconds: int) -> str:
    """An instant as a person reads it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def needed_segment(kept: Sequence[Base]) -> str:
    """The oldest segment that these need; empty: none."""
    return min((base.segment for base in kept), default="")
