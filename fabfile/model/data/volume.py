"""Backups of volumes: what a manifest says of one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from .. import names
from . import manifest
from .backup import SUFFIXES

ABOUT = frozenset(
    {"name", "taken", "server", "service", "path", "reason", "commit", "release", "who"}
)
LATER = frozenset({"bytes", "sha256", "unpacked", "files"})


@dataclass(frozen=True)
class VolumeBackup:
    """The files of one volume. Times are seconds since 1970 by the server's clock."""

    name: str
    """``volume_SERVICE_20261123T030000Z.tar.zst``, the file's name."""
    taken: int
    server: str
    service: str
    path: str
    """Where the service has the volume."""
    reason: str
    commit: str
    release: str
    who: str
    bytes: int = 0
    """Size of the file."""
    sha256: str = ""
    unpacked: int = 0
    files: int = 0

    @property
    def about(self) -> str:
        """What the manifest begins with, known before the backup."""
        known = {key: value for key, value in asdict(self).items() if key not in LATER}
        return json.dumps(known, sort_keys=True)


@dataclass(frozen=True)
class VolumeShelf:
    """The backups of volumes that a server has, oldest first, and its clock."""

    now: int
    backups: tuple[VolumeBackup, ...] = ()

    def of(self, service: str) -> tuple[VolumeBackup, ...]:
        """Those of one service's volume."""
        return tuple(backup for backup in self.backups if backup.service == service)


def parse_volume(line: str, name: str = "") -> VolumeBackup | None:
    """Read one manifest; None when it is none (a torn write is no backup), or not of ``name``."""
    try:
        raw = manifest.only(manifest.load(line), LATER | {"about"})
        about = manifest.only(raw["about"], ABOUT)
        found = VolumeBackup(
            **{key: manifest.text(about[key]) for key in ABOUT - {"taken"}},
            taken=manifest.time(about["taken"]),
            bytes=manifest.natural(raw["bytes"]),
            sha256=manifest.match(names.SHA256, raw["sha256"]),
            unpacked=manifest.natural(raw["unpacked"]),
            files=manifest.natural(raw["files"]),
        )
    except manifest.WRONG:
        return None
    shape = names.VOLUME.fullmatch(found.name)
    return found if shape and shape[1] == found.service and name in ("", found.name) else None


def parse_volumes(output: str) -> VolumeShelf:
    """Read a clock in the first line, and a name and its manifest in each other one."""
    now, *lines = output.split("\n")
    parts = (line.partition(" ") for line in lines)
    found = [backup for name, _, text in parts if name and (backup := parse_volume(text, name))]
    return VolumeShelf(int(now), tuple(sorted(found, key=lambda backup: backup.name)))


def file_name(service: str, stamp: str, compression: str, taken: Sequence[VolumeBackup]) -> str:
    """A name that no backup has; ``stamp`` is the time as ``YYYYMMDDTHHMMSSZ``."""
    names = {backup.name for backup in taken}
    while (name := f"volume_{service}_{stamp}.tar.{SUFFIXES[compression]}") in names:
        stamp += "b"
    return name
