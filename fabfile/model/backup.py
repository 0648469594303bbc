"""Backups: what a manifest says of one, and whether what came back is what was dumped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .reading import Instant, load, make

RESERVE = 256 << 20
"""Bytes that a backup must leave free on its disk."""
STALE = 26 * 3600
"""Seconds after which a nightly backup is missed."""
SHRUNK = 0.5
"""A backup smaller than this part of the last verified one is suspicious."""
SUFFIXES = {"zstd": "zst", "gzip": "gz"}
"""Compression → how a backup's name ends."""


@dataclass(frozen=True)
class Content:
    """What a database held, as ``remote/content.sql`` asks it."""

    version: str
    """Version of the server."""
    encoding: str
    collate: str
    ctype: str
    bytes: int
    """Size of the database on disk."""
    structure: str
    """Digest of its relations, columns, constraints, indexes, triggers and functions."""
    constraints: int
    indexes: int
    revision: str
    """Revision of the schema; empty when it has none."""
    tables: Mapping[str, tuple[int, str]]
    """Table → its number of rows and the digest of all of them."""

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(rows for rows, _ in self.tables.values())

    @property
    def empty(self) -> bool:
        """Whether there is nothing to lose."""
        return not self.tables


@dataclass(frozen=True)
class Backup:
    """One backup and its history. Times are seconds since 1970 by the server's clock."""

    name: str
    """``db_20261123T030000Z.sql.zst``, the file's name."""
    number: int
    """Counts up: the order in which they were made, whatever the clock said."""
    taken: Instant
    server: str
    database: str
    reason: str
    """Why it was made: ``by hand``, ``by schedule``, ``before RELEASE``, …"""
    commit: str
    """What ran then; empty when nothing was deployed."""
    release: str
    who: str
    bytes: int = 0
    """Size of the file."""
    sha256: str = ""
    seconds: float = 0.0
    content: Content | None = None
    verified: Instant = 0
    """When it was restored and found equal; 0: never."""
    failure: str = ""
    """Why its last check failed; empty when it did not."""

    @property
    def about(self) -> str:
        """What the manifest begins with, known before the dump."""
        known = asdict(self)
        for later in ("bytes", "sha256", "seconds", "content"):
            del known[later]
        return json.dumps(known, sort_keys=True)

    def to_manifest(self) -> str:
        """The manifest, one line of JSON, as :func:`parse_manifest` reads it."""
        return json.dumps(
            {
                "about": json.loads(self.about),
                "bytes": self.bytes,
                "sha256": self.sha256,
                "milliseconds": round(self.seconds * 1000),
                "content": _answers(self.content) if self.content else [],
            }
        )

    def checked(self, at: int, found: Sequence[str]) -> Backup:
        """The same backup after a check at ``at`` that found these differences."""
        if found:
            return replace(self, verified=0, failure="; ".join(found)[:1000])
        return replace(self, verified=at, failure="")


@dataclass(frozen=True)
class Shelf:
    """What stands in a server's folder of backups."""

    now: int
    free: int
    backups: tuple[Backup, ...] = ()
    """Those whose file and manifest are both there, in the order in which they were made."""
    strays: Mapping[str, str] = field(default_factory=dict)
    """Name → why it does not count: no manifest, no file, another size."""

    @property
    def newest_verified(self) -> Backup | None:
        """The last one that was restored and found equal."""
        return next((b for b in reversed(self.backups) if b.verified), None)

    def find(self, name: str) -> Backup | None:
        """The backup of that name; ``latest`` is the newest verified one."""
        if name == "latest":
            return self.newest_verified
        return next((backup for backup in self.backups if backup.name == name), None)

    def next_number(self) -> int:
        """The number of the next backup.

        The first of a server is the time, so that a server made anew counts on, above the copies
        that it left off-site.
        """
        return max((backup.number for backup in self.backups), default=self.now) + 1

    def expected(self) -> int:
        """Bytes that the next backup may take; 0: unknown."""
        last = self.backups[-1] if self.backups else None
        return last.bytes * 3 // 2 if last else 0


def parse_shelf(output: str) -> Shelf:
    """Read the answer of ``remote/backups.sh``."""
    now = free = 0
    sizes: dict[str, int] = {}
    found: dict[str, Backup] = {}
    strays: dict[str, str] = {}
    for line in output.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "now":
            now = int(rest)
        elif kind == "free":
            free = int(rest)
        elif kind == "file":
            size, _, name = rest.partition(" ")
            sizes[name] = int(size)
        elif kind == "manifest" and (backup := parse_manifest(rest)):
            found[backup.name] = backup
    for name in sizes.keys() - found.keys():
        strays[name] = "no manifest"
    for name, backup in list(found.items()):
        if name not in sizes:
            strays[name] = "its file is gone"
        elif sizes[name] != backup.bytes:
            strays[name] = f"{sizes[name]} bytes, not {backup.bytes}"
        else:
            continue
        del found[name]
    return Shelf(now, free, _ordered(found.values()), dict(sorted(strays.items())))


def parse_manifest(line: str) -> Backup | None:
    """Read one manifest; None when it is not one (a torn write is no backup)."""
    try:
        raw = load(line)
        later = {"bytes": raw["bytes"], "sha256": raw["sha256"]}
        made = make(Backup, {**raw["about"], **later, "seconds": raw["milliseconds"] / 1000})
        return replace(made, content=parse_content(raw["content"]))
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def in_order(lines: Iterable[str]) -> tuple[Backup, ...]:
    """Manifests, a line each, in the order in which the backups were made."""
    return _ordered(backup for line in lines if (backup := parse_manifest(line)))


def _ordered(backups: Iterable[Backup]) -> tuple[Backup, ...]:
    return tuple(sorted(backups, key=lambda backup: (backup.number, backup.name)))


def stale(backups: Sequence[Backup], now: int) -> str:
    """Why the last backup is not enough; empty when it is."""
    if not backups:
        return "there is no backup"
    last = backups[-1]
    if last.failure:
        return f"the last backup, {last.name}, failed its check: {last.failure}"
    if now - last.taken > STALE:
        return f"the last backup, {last.name}, is {(now - last.taken) // 3600} h old"
    return ""


def parse_content(answers: Iterable[Mapping[str, Any]]) -> Content:
    """Put the answers of ``remote/content.sql`` together; ValueError when one is missing."""
    known: dict[str, Any] = {"revision": ""}
    tables: dict[str, tuple[int, str]] = {}
    for answer in answers:
        if "table" in answer:
            tables[answer["table"]] = (answer["rows"], answer["digest"])
        else:
            known.update(answer)
    known["revision"] = known["revision"] or ""
    return make(Content, {**known, "tables": {name: list(row) for name, row in tables.items()}})


def _answers(content: Content) -> list[dict[str, Any]]:
    plain = asdict(content)
    tables = plain.pop("tables")
    rows = [{"table": name, "rows": n, "digest": digest} for name, (n, digest) in tables.items()]
    return [plain, *rows]


def differences(dumped: Content, restored: Content) -> list[str]:
    """What came back differently, a line each; empty: everything is equal."""
    found = []
    if dumped.revision != restored.revision:
        found.append(f"schema revision {restored.revision or 'none'}, not {dumped.revision}")
    for what in ("constraints", "indexes"):
        before, after = getattr(dumped, what), getattr(restored, what)
        if before != after:
            found.append(f"{after} {what}, not {before}")
    for name, (rows, digest) in sorted(dumped.tables.items()):
        if name not in restored.tables:
            found.append(f"table {name} is missing")
            continue
        there, other = restored.tables[name]
        if there != rows:
            found.append(f"table {name} has {there} rows, not {rows}")
        elif other != digest:
            found.append(f"table {name} holds other rows")
    found += [f"table {name} is new" for name in sorted(restored.tables.keys() - dumped.tables)]
    if not found and dumped.structure != restored.structure:
        found.append("its structure differs")
    return found


def suspicion(backup: Backup, before: Backup | None) -> str:
    """Why a person should look at a new backup; empty when nothing is odd."""
    if before is None or backup.bytes >= before.bytes * SHRUNK:
        return ""
    return (
        f"{backup.name} has {backup.bytes} bytes, the verified {before.name} had {before.bytes};"
        " was data lost?"
    )


def file_name(stamp: str, compression: str, taken: Iterable[str]) -> str:
    """A name that no backup has; ``stamp`` is the time as ``YYYYMMDDTHHMMSSZ``."""
    known = set(taken)
    while f"db_{stamp}.sql.{SUFFIXES[compression]}" in known:
        stamp += "b"
    return f"db_{stamp}.sql.{SUFFIXES[compression]}"
