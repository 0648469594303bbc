"""Off-site copies: what is missing in the bucket goes there, and is read back before it counts."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from ...model.data.backup import Backup, Shelf
from ...model.data.offsite import (
    AGE,
    DOUBTS,
    MISSING_AGE,
    Copy,
    Doubt,
    Folder,
    Stock,
    both,
    keys,
    to_copy,
    to_renew,
)
from ...model.data.retention import Retention, retain
from ...model.deploy.way_back import retained
from ...model.errors import FAILED, Trouble, refused
from ...model.facts import Facts
from ...remote.access.connect import missing_programs
from ...remote.data import copies, s3
from ...remote.data import postgres as remote
from ...remote.data.s3 import Bucket
from ...remote.host import Host
from ..session import Session
from ..sight import Sight


def bucket_of(session: Session, sight: Sight, folder: Folder | None = None) -> Bucket | None:
    """The server's folder in its bucket, or another one; None without off-site settings."""
    offsite = sight.server.offsite
    if folder is None and not offsite.bucket:
        return None
    try:
        found = keys(sight.facts.env)
    except Trouble as trouble:
        raise refused(f"{sight.server.name}: {trouble.message}") from None
    session.console.hide((found.id, found.secret, found.signing))
    where = folder or offsite.folder(sight.server.name)
    return Bucket(s3.connect(offsite, found), where, offsite, found.signing)


def warn_of_doubts(session: Session, sight: Sight, bucket: Bucket, stock: Stock) -> None:
    """Name the copies whose manifests prove nothing; nobody mends them unasked."""
    for name, why in stock.strays.items():
        if why in DOUBTS:
            text = f"{bucket.folder.address(name)} does not count: {why}; docs/backup.md"
            session.console.warn(sight.server.name, text)


@dataclass(frozen=True)
class Places:
    """Both places of a server's backups, and what is to become of each backup."""

    shelf: Shelf
    stock: Stock
    decision: Retention

    @property
    def backups(self) -> tuple[Backup, ...]:
        """Those of either place, in the order in which they were made."""
        return both(self.shelf, self.stock.copies)

    def doomed(self, here: Collection[str], newest: Backup | None) -> dict[str, str]:
        """Name → why it goes, of what stands in one place; its newest verified one stays."""
        keep = newest.name if newest else ""
        goes = self.decision.goes.items()
        return {name: why for name, why in goes if name in here and name != keep}

    @property
    def doomed_here(self) -> dict[str, str]:
        """What goes from the server."""
        names = [backup.name for backup in self.shelf.backups]
        return self.doomed(names, self.shelf.newest_verified)

    @property
    def doomed_there(self) -> dict[str, str]:
        """What goes from the bucket."""
        verified = [copy.backup for copy in self.stock.copies.values() if copy.backup.verified]
        return self.doomed(self.stock.copies, verified[-1] if verified else None)


def look(host: Host, facts: Facts, bucket: Bucket | None) -> Places:
    """Look at both places."""
    shelf = remote.shelf(host)
    stock = bucket.look() if bucket else Stock()
    needed = {release.backup for release in retained(facts.releases)} - {""}
    return Places(shelf, stock, retain(both(shelf, stock.copies), host.server.keep, needed))


def bring(session: Session, sight: Sight, show: Callable[[str], None]) -> None:
    """Copy what is missing off-site; exit code 1 when that fails, whatever the cause."""
    try:
        bucket = bucket_of(session, sight)
        if bucket:
            _bring(session, sight, bucket, show)
    except Trouble as trouble:
        message = f"the backup is made and stays, but is not off-site: {trouble.message}"
        raise Trouble(
            f"{sight.server.name}: {message}; the next fab db.backup tries again",
            code=FAILED,
            evidence=trouble.evidence,
        ) from None


def _bring(session: Session, sight: Sight, bucket: Bucket, show: Callable[[str], None]) -> None:
    host = sight.host
    if host.server.offsite.recipient and missing_programs(host, (AGE,)):
        raise refused(MISSING_AGE)
    places = look(host, sight.facts, bucket)
    there = places.stock.copies
    warn_of_doubts(session, sight, bucket, places.stock)
    for copy in to_renew(places.shelf, there):
        bucket.write(copy)
    for backup in to_copy(places.shelf, there, places.decision.stays):
        start = time.monotonic()
        copy = _send(host, bucket, backup)
        seconds = time.monotonic() - start
        show(f"copied to {bucket.folder.address(copy.object)} and read back in {seconds:.1f} s")


def _send(host: Host, bucket: Bucket, backup: Backup) -> Copy:
    """Copy a backup, read the copy back, and write its manifest: only then it counts."""
    recipient = host.server.offsite.recipient
    name = f"{backup.name}.{AGE}" if recipient else backup.name
    with copies.sent(host, backup, recipient) as stream:
        size, digest = bucket.send(name, stream, backup.bytes)
    copy = Copy(backup, name, size, digest, recipient)
    for _ in checked(bucket, copy):
        pass
    bucket.write(copy)
    return copy


def checked(bucket: Bucket, copy: Copy) -> Iterator[bytes]:
    """What the bucket has of a copy, never more; Trouble when it is not what was sent."""
    digest, left = hashlib.sha256(), copy.bytes
    for chunk in bucket.chunks(copy.object):
        left -= len(chunk)
        if left < 0:
            break
        digest.update(chunk)
        yield chunk
    if left or digest.hexdigest() != copy.sha256:
        where = bucket.folder.address(copy.object)
        raise Trouble(f"{where} is not what was sent: its digest is another one")


def renew(session: Session, sight: Sight, backup: Backup) -> None:
    """Tell the bucket that a backup was verified, where it has a copy of it."""
    try:
        bucket = bucket_of(session, sight)
        copy = bucket.copy(backup.name) if bucket else None
        if bucket and copy and copy.backup.sha256 == backup.sha256:
            bucket.write(replace(copy, backup=backup))
    except Doubt as doubt:
        message = f"{backup.name} is verified, but its copy does not count: {doubt}; docs/backup.md"
        session.console.warn(sight.server.name, message)
    except Trouble as trouble:
        raise Trouble(
            f"{sight.server.name}: {backup.name} is verified, but its copy does not know it:"
            f" {trouble.message}; the next fab db.backup tells it",
            evidence=trouble.evidence,
        ) from None
