"""Off-site copies: where they stand, what a bucket holds, and what is missing on which side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .backup import Backup, Shelf, parse_manifest
from .envfile import parse as parse_env
from .errors import refused

REGION = "us-east-1"
"""Default of ``s3_region``: what servers that know no regions are told."""
KEYS = ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY")
"""The keys of ``.env`` that open the bucket."""
AGE = "age"
"""The program that encrypts on the server; its files are called so too."""
MISSING_AGE = "age is missing on the server; install it: sudo apt-get install age"
ADDRESS = re.compile(r"s3://([^/]+)/((?:[^/]+/)*)([^/]+)")


@dataclass(frozen=True)
class Offsite:
    """Where a server's backups are copied to, as ``hosts.ini`` says it."""

    bucket: str = ""
    """Empty: they stay on the server."""
    prefix: str = ""
    endpoint: str = ""
    """URL of the S3 server; empty: Amazon's."""
    region: str = REGION
    storage_class: str = ""
    recipient: str = ""
    """Public key of age; empty: copies are as plain as the backups."""

    def folder(self, server: str) -> Folder:
        """Where that server's copies stand."""
        return Folder(self.bucket, f"{self.prefix}/{server}/".lstrip("/"))


@dataclass(frozen=True)
class Folder:
    """A folder of a bucket."""

    bucket: str
    path: str
    """Ends with a slash, or is empty."""

    def address(self, name: str = "") -> str:
        """``s3://BUCKET/PATH/NAME``."""
        return f"s3://{self.bucket}/{self.path}{name}"


@dataclass(frozen=True)
class Copy:
    """An off-site copy that was read back: the backup, and the object that holds it."""

    backup: Backup
    object: str
    """Name of the object in its folder: the backup's, or that and ``.age``."""
    bytes: int
    sha256: str
    recipient: str = ""
    """Whose private key opens it; empty: it is plain."""

    def to_manifest(self) -> str:
        """The manifest that stands beside the object: the backup's and the object's."""
        about = {
            "name": self.object,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "recipient": self.recipient,
        }
        return json.dumps({**json.loads(self.backup.to_manifest()), "object": about})


@dataclass(frozen=True)
class Stock:
    """What stands in a folder of a bucket."""

    copies: Mapping[str, Copy] = field(default_factory=dict)
    """Backup's name → its copy, in the order in which the backups were made."""
    strays: Mapping[str, str] = field(default_factory=dict)
    """Object → why it does not count."""


def stock(sizes: Mapping[str, int], manifests: Mapping[str, str]) -> Stock:
    """Judge what was listed: object → its size, and name → text of each manifest."""
    found: dict[str, Copy] = {}
    strays: dict[str, str] = {}
    for name, text in manifests.items():
        copy = parse_copy(text)
        if copy is None or f"{copy.backup.name}.json" != name:
            strays[name] = "not a manifest"
        elif copy.object not in sizes:
            strays[name] = "its object is gone"
        elif sizes[copy.object] != copy.bytes:
            strays[copy.object] = f"{sizes[copy.object]} bytes, not {copy.bytes}"
        else:
            found[copy.backup.name] = copy
    objects = {copy.object for copy in found.values()}
    for name in sizes.keys() - manifests.keys() - objects - strays.keys():
        strays[name] = "no manifest"
    ordered = sorted(found.items(), key=lambda item: (item[1].backup.number, item[0]))
    return Stock(dict(ordered), dict(sorted(strays.items())))


def parse_copy(text: str) -> Copy | None:
    """Read a manifest of a copy; None when it is not one."""
    backup = parse_manifest(text)
    if backup is None:
        return None
    try:
        about = json.loads(text)["object"]
        return Copy(backup, about["name"], about["bytes"], about["sha256"], about["recipient"])
    except (TypeError, KeyError):
        return None


def both(shelf: Shelf, copies: Mapping[str, Copy]) -> tuple[Backup, ...]:
    """The backups of both places, in the order in which they were made.

    A backup that stands in both is verified when either side says so: a local file that was
    damaged later says nothing of its copy.
    """
    found = {name: copy.backup for name, copy in copies.items()}
    for backup in shelf.backups:
        if backup.verified or not (backup.name in found and found[backup.name].verified):
            found[backup.name] = backup
    return tuple(sorted(found.values(), key=lambda backup: (backup.number, backup.name)))


def to_copy(shelf: Shelf, copies: Mapping[str, Copy], stays: Iterable[str]) -> list[Backup]:
    """The good backups of the server that have no copy and are to stay, oldest first."""
    wanted = set(stays)
    return [
        backup
        for backup in shelf.backups
        if backup.name not in copies and backup.name in wanted and not backup.failure
    ]


def to_renew(shelf: Shelf, copies: Mapping[str, Copy]) -> list[Copy]:
    """The copies whose manifest does not know yet that the backup was verified."""
    return [
        replace(copies[backup.name], backup=backup)
        for backup in shelf.backups
        if backup.verified
        and backup.name in copies
        and copies[backup.name].backup.verified < backup.verified
        and copies[backup.name].backup.sha256 == backup.sha256
    ]


def address(text: str) -> tuple[Folder, str]:
    """The folder and the backup's name of ``s3://BUCKET/PATH/NAME``; exit code 2 otherwise."""
    match = ADDRESS.fullmatch(text)
    if not match:
        raise refused(f"'{text}' is not s3://BUCKET/PREFIX/SERVER/NAME; fab db.list shows them")
    return Folder(match[1], match[2]), match[3].removesuffix(f".{AGE}").removesuffix(".json")


def keys(env: str) -> tuple[str, str]:
    """Both keys of an ``.env``; exit code 2 names the one that is missing."""
    values = parse_env(env).values
    lacking = [key for key in KEYS if not values.get(key)]
    if lacking:
        raise refused(f"{' and '.join(lacking)} missing in .env: off-site copies need both")
    return values[KEYS[0]], values[KEYS[1]]


def warnings(offsite: Offsite, env: str, missing: Sequence[str]) -> list[str]:
    """Why the next backup will not leave the server; ``missing``: programs that it lacks."""
    if not offsite.bucket:
        return []
    values = parse_env(env).values
    found = [f".env: {key} is missing" for key in KEYS if not values.get(key)]
    if offsite.recipient and AGE in missing:
        found.append(MISSING_AGE)
    return [f"{what}; until then no backup leaves the server" for what in found]
