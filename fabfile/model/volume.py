"""Backups of volumes: what a manifest says of one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from .backup import SUFFIXES

LATER = ("bytes", "sha256", "unpacked", "files")


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


def parse_volume(line: str) -> VolumeBackup | None:
    """Read one manifest; None when it is not one (a torn write is no backup)."""
    try:
        raw = json.loads(line)
        return VolumeBackup(**raw["about"], **{key: raw[key] for key in LATER})
    except (ValueError, TypeError, KeyError):
        return None


def parse_volumes(output: str) -> VolumeShelf:
    """Read a clock in the first line and a manifest in each other one."""
    now, *lines = output.splitlines()
    found = [backup for line in lines if (backup := parse_volume(line))]
    return VolumeShelf(int(now), tuple(sorted(found, key=lambda backup: backup.name)))


def file_name(service: str, stamp: str, compression: str, taken: Sequence[VolumeBackup]) -> str:
    """A name that no backup has; ``stamp`` is the time as ``YYYYMMDDTHHMMSSZ``."""
    names = {backup.name for backup in taken}
    while (name := f"volume_{service}_{stamp}.tar.{SUFFIXES[compression]}") in names:
        stamp += "b"
    return name
