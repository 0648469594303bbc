"""Off-site copies: where they stand, what a bucket holds, and what is missing on which side."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .. import names
from ..access.envfile import parse as parse_env
from ..errors import refused
from . import manifest
from .backup import Backup, Shelf, read_manifest

REGION = "us-east-1"
"""Default of ``s3_region``: what servers that know no regions are told."""
SIGNING = "BACKUP_SIGNING_KEY"
"""The key of ``.env`` that manifests are signed with."""
KEYS = ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", SIGNING)
"""The keys of ``.env`` that copies need: two open the bucket."""
SHORTEST = 32
"""Characters that the signing key has at least."""
AGE = "age"
"""The program that encrypts on the server; its files are called so too."""
MISSING_AGE = "age is missing on the server; install it: sudo apt-get install age"
ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]+)/((?:[A-Za-z0-9._-]+/)+)([A-Za-z0-9._-]+)")
PURPOSE = b"manifest of a copy of a backup\n"
"""What a signature is for: one of anything else is none."""
UNSIGNED = "its manifest is not signed"
FORGED = f"its manifest was not signed with {SIGNING} of .env"
ANOTHER = "its manifest is that of another backup"
DOUBTS = (UNSIGNED, FORGED, ANOTHER)
"""Why a copy is not trusted: somebody should look at the bucket."""


@dataclass(frozen=True)
class Keys:
    """The keys of a server's ``.env`` that copies need."""

    id: str = field(repr=False)
    secret: str = field(repr=False)
    signing: str = field(repr=False)


class Doubt(ValueError):
    """A manifest that vouches for nothing; its text says why."""


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

    @property
    def server(self) -> str:
        """The server whose copies stand there."""
        return self.path.rstrip("/").rpartition("/")[2]


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

    def to_manifest(self, key: str) -> str:
        """The manifest that stands beside the object: the backup's and the object's, signed."""
        about = {
            "name": self.object,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "recipient": self.recipient,
        }
        told = {**json.loads(self.backup.to_manifest()), "object": about}
        return json.dumps({**told, "signature": signature(told, key)})


def signature(told: Mapping[str, Any], key: str) -> str:
    """What proves that a manifest was made by somebody who has the key: all of it, in one form.

    The keys of the bucket and the public key of age prove nothing: whoever steals the one or reads
    the other can put any file there.
    """
    form = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(key.encode(), PURPOSE + form, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Stock:
    """What stands in a folder of a bucket."""

    copies: Mapping[str, Copy] = field(default_factory=dict)
    """Backup's name → its copy, in the order in which the backups were made."""
    strays: Mapping[str, str] = field(default_factory=dict)
    """Object → why it does not count."""


def is_manifest(name: str) -> bool:
    """Whether an object is called as the manifest of a backup is."""
    return name.endswith(".json") and bool(names.BACKUP.fullmatch(name.removesuffix(".json")))


def stock(sizes: Mapping[str, int], manifests: Mapping[str, str], server: str, key: str) -> Stock:
    """Judge what was listed: object → its size, and name → text of each manifest."""
    found: dict[str, Copy] = {}
    strays: dict[str, str] = {}
    for name, text in manifests.items():
        try:
            copy = read_copy(text, name.removesuffix(".json"), server, key)
        except Doubt as doubt:
            strays[name] = str(doubt)
            continue
        if copy.object not in sizes:
            strays[name] = "its object is gone"
        elif sizes[copy.object] != copy.bytes:
            strays[copy.object] = f"{sizes[copy.object]} bytes, not {copy.bytes}"
        else:
            found[copy.backup.name] = copy
    objects = {copy.object for copy in found.values()}
    for name in sizes.keys() - manifests.keys() - objects - strays.keys():
        plain = name.removesuffix(f".{AGE}")
        if not is_manifest(name) and not names.BACKUP.fullmatch(plain):
            strays[name] = "no backup is called so"
        elif f"{plain}.json" not in strays:
            strays[name] = "no manifest"
    ordered = sorted(found.items(), key=lambda item: (item[1].backup.number, item[0]))
    return Stock(dict(ordered), dict(sorted(strays.items())))


def read_copy(text: str, name: str, server: str, key: str) -> Copy:
    """The copy of the backup ``name`` of a server; :class:`Doubt` when the manifest is not its."""
    try:
        told = manifest.load(text)
    except manifest.WRONG:
        raise Doubt("not a manifest") from None
    given = told.pop("signature", None)
    if not isinstance(given, str) or not names.SHA256.fullmatch(given):
        raise Doubt(UNSIGNED)
    if not hmac.compare_digest(given, signature(told, key)):
        raise Doubt(FORGED)
    try:
        backup, about = read_manifest(told), told["object"]
        recipient = about["recipient"] and manifest.match(names.RECIPIENT, about["recipient"])
        copy = Copy(
            backup,
            object=f"{backup.name}.{AGE}" if recipient else backup.name,
            bytes=manifest.natural(about["bytes"]),
            sha256=manifest.match(names.SHA256, about["sha256"]),
            recipient=recipient,
        )
        called = about["name"]
    except manifest.WRONG:
        raise Doubt("not a manifest") from None
    if (backup.name, backup.server, copy.object) != (name, server, called):
        raise Doubt(ANOTHER)
    return copy


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
    name = match[3].removesuffix(f".{AGE}").removesuffix(".json") if match else ""
    if not match or not names.BACKUP.fullmatch(name) or ".." in match[2].split("/"):
        raise refused(f"'{text}' is not s3://BUCKET/PREFIX/SERVER/NAME; fab db.list shows them")
    return Folder(match[1], match[2]), name


def keys(env: str) -> Keys:
    """The keys of an ``.env``; exit code 2 names those that are missing."""
    found = _lacking(env)
    if found:
        raise refused(f"{' and '.join(found)}: off-site copies need {', '.join(KEYS)}")
    values = parse_env(env).values
    return Keys(*(values[key] for key in KEYS))


def _lacking(env: str) -> list[str]:
    """What is missing of the keys, and the remedy where it is made up."""
    values = parse_env(env).values
    found = [f"{key} is missing in .env" for key in KEYS[:2] if not values.get(key)]
    signing = values.get(SIGNING, "")
    made = "make one, and keep a copy of it: openssl rand -hex 32"
    if not signing:
        found.append(f"{SIGNING} is missing in .env ({made})")
    elif len(signing) < SHORTEST:
        found.append(f"{SIGNING} in .env is shorter than {SHORTEST} characters ({made})")
    return found


def warnings(offsite: Offsite, env: str, missing: Sequence[str]) -> list[str]:
    """Why the next backup will not leave the server; ``missing``: programs that it lacks."""
    if not offsite.bucket:
        return []
    found = _lacking(env)
    if offsite.recipient and AGE in missing:
        found.append(MISSING_AGE)
    return [f"{what}; until then no backup leaves the server" for what in found]
