"""Backups: what a manifest says of one, and which of those in a folder count."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .. import names
from . import manifest
from .database import Content, answers, parse_content

RESERVE = 256 << 20
"""Bytes that a backup must leave free on its disk."""
STALE = 26 * 3600
"""Seconds after which a nightly backup is missed."""
SHRUNK = 0.5
"""A backup smaller than this part of the last verified one is suspicious."""
NO_MANIFEST = "no manifest"
SUFFIXES = {"zstd": "zst", "gzip": "gz"}
"""Compression → how a backup's name ends."""


@dataclass(frozen=True)
class Backup:
    """One backup and its history. Times are seconds since 1970 by the server's clock."""

    name: str
    """``db_20261123T030000Z.dump.zst``, the file's name."""
    number: int
    """Counts up: the order in which they were made, whatever the clock said."""
    taken: int
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
    answered: str = ""
    """Digest of the answers that ``content`` is made of, as the database gave them."""
    rights: tuple[Mapping[str, Any], ...] = ()
    """Owners, rights, extensions and roles, as ``remote/data/rights.sql`` asks them."""
    verified: int = 0
    """When it was restored and found equal; 0: never."""
    failure: str = ""
    """Why its last check failed; empty when it did not."""

    @property
    def about(self) -> str:
        """What the manifest begins with, known before the dump."""
        known = asdict(self)
        for later in ("bytes", "sha256", "seconds", "content", "answered", "rights"):
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
                "answered": self.answered,
                "content": answers(self.content) if self.content else [],
                "rights": self.rights,
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
    """Read the answer of ``remote/data/backups.sh``."""
    clock = {"now": 0, "free": 0}
    sizes: dict[str, int] = {}
    found: dict[str, Backup] = {}
    strays: dict[str, str] = {}
    for line in output.split("\n"):
        kind, _, rest = line.partition(" ")
        if kind in clock:
            clock[kind] = int(rest)
        elif kind == "file":
            size, _, name = rest.partition(" ")
            sizes[name] = int(size)
        elif kind == "manifest":
            name, _, text = rest.partition(" ")
            if backup := parse_manifest(text, name):
                found[name] = backup
            else:
                strays[name] = "its manifest is none, or that of another backup"
    for name in sizes.keys() | found.keys():
        if why := _stray(name, sizes, found):
            strays[name] = strays.get(name, why) if why == NO_MANIFEST else why
    counts = (backup for name, backup in found.items() if name not in strays)
    return Shelf(clock["now"], clock["free"], _ordered(counts), dict(sorted(strays.items())))


def _stray(name: str, sizes: Mapping[str, int], found: Mapping[str, Backup]) -> str:
    """Why a file or a manifest does not count; empty when both are there and agree."""
    if names.SQL_BACKUP.fullmatch(name):
        return "plain SQL, which is not restored any more; docs/backup.md has the way by hand"
    if name not in found:
        return NO_MANIFEST
    if name not in sizes:
        return "its file is gone"
    if sizes[name] != found[name].bytes:
        return f"{sizes[name]} bytes, not {found[name].bytes}"
    return ""


def parse_manifest(line: str, name: str = "") -> Backup | None:
    """Read one manifest; None when it is none (a torn write is no backup), or not of ``name``."""
    try:
        found = read_manifest(manifest.load(line))
    except manifest.WRONG:
        return None
    return found if name in ("", found.name) else None


ABOUT = frozenset(
    {"name", "number", "taken", "server", "database", "reason", "commit", "release", "who"}
    | {"verified", "failure"}
)


def read_manifest(raw: Mapping[str, Any]) -> Backup:
    """The backup that a manifest tells of; one of :data:`manifest.WRONG` when it is not one."""
    about = manifest.only(raw["about"], ABOUT)
    told = {key: manifest.text(about[key]) for key in ("database", "reason", "commit", "who")}
    content, rights = raw["content"], raw["rights"]
    if not isinstance(content, list) or not isinstance(rights, list):
        raise TypeError("not lists")
    return Backup(
        **told,
        name=manifest.match(names.BACKUP, about["name"]),
        number=manifest.natural(about["number"]),
        taken=manifest.time(about["taken"]),
        server=manifest.match(names.SERVER, about["server"]),
        release=manifest.text(about["release"]),
        verified=manifest.time(about["verified"]),
        failure=manifest.text(about["failure"]),
        bytes=manifest.natural(raw["bytes"]),
        sha256=manifest.match(names.SHA256, raw["sha256"]),
        seconds=manifest.natural(raw["milliseconds"]) / 1000,
        content=parse_content(content),
        answered=manifest.match(names.SHA256, raw["answered"]),
        rights=tuple({"right": dict(manifest.only(one, RIGHT)["right"])} for one in rights),
    )


RIGHT = frozenset({"right"})


def left_behind(rights: Iterable[Mapping[str, Any]], *, over_live: bool) -> list[str]:
    """What the dumped database itself had and a restore cannot give the new one.

    ``over_live``: it takes the place of a database, which has the hidden values and stays there.
    """
    said = {"label": "the security label of {}"}
    if not over_live:
        said |= {
            "hidden": "the setting {} of the database, whose value no manifest tells",
            "tablespace": "the tablespace {} of the database, unless this server has it",
        }
    own = [right["right"] for right in rights if right["right"].get("own") in said]
    return list(dict.fromkeys(said[one["own"]].format(one["name"]) for one in own))


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
    while f"db_{stamp}.dump.{SUFFIXES[compression]}" in known:
        stamp += "b"
    return f"db_{stamp}.dump.{SUFFIXES[compression]}"
