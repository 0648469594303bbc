"""Where a backup comes from: the server's own folder, or a bucket it is fetched from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ...model.data.backup import Backup, Shelf
from ...model.data.base import when
from ...model.data.offsite import AGE, MISSING_AGE, Copy, Doubt, address
from ...model.errors import refused
from ...remote.access.connect import missing_programs
from ...remote.data import copies
from ...remote.data import postgres as remote
from ...remote.data.s3 import Bucket
from ..session import Session
from ..sight import Sight
from . import offsite

PRIVATE = "AGE-SECRET-KEY-"
"""How a private key of age begins."""


@dataclass(frozen=True)
class Origin:
    """A backup, and the copy to fetch before it can be used."""

    backup: Backup
    copy: Copy | None = None
    bucket: Bucket | None = None
    identity: str = ""
    """The private key that opens the copy."""

    @property
    def address(self) -> str:
        """Where it is fetched from; empty: it stands on the server."""
        return self.bucket.folder.address(self.copy.object) if self.bucket and self.copy else ""

    @property
    def told(self) -> str:
        """What comes back, in a few words."""
        content = self.backup.content
        assert content is not None
        schema = f", schema {content.revision}" if content.revision else ""
        place = f", from {self.address}" if self.address else ""
        taken = when(self.backup.taken)
        return f"{self.backup.name} of {taken}: {content.rows} rows{schema}{place}"

    @property
    def bytes(self) -> int:
        """What it takes on the server's disk before it is restored."""
        return self.backup.bytes if self.copy else 0

    def fetch(self, session: Session, sight: Sight) -> None:
        """Put it into the server's folder of backups, unless it stands there."""
        if self.copy and self.bucket:
            with session.console.step(sight.server.name, f"fetch {self.address}"):
                chunks = offsite.checked(self.bucket, self.copy)
                copies.receive(sight.host, self.copy, self.identity, chunks)


def choose(session: Session, sight: Sight, name: str, identity: str) -> Origin:
    """What a name, ``s3://…``, ``latest`` (verified) or ``newest`` means; exit code 2 if nothing.

    What stands on the server comes first; ``s3://…`` is fetched even so. ``identity``: a file with
    the private key for encrypted copies.
    """
    server = sight.server.name
    if name.startswith("s3://"):
        folder, plain = address(name)
        bucket = offsite.bucket_of(session, sight, folder)
        assert bucket
        try:
            copy = bucket.copy(plain)
        except Doubt as doubt:
            where = folder.address(f"{plain}.json")
            raise refused(f"{server}: {where}: {doubt}; docs/backup.md") from None
        if copy is None:
            raise refused(f"{server}: no copy '{plain}' in {folder.address()}; fab db.list")
        return _copied(sight, bucket, copy, identity)
    shelf = remote.shelf(sight.host)
    if found := _find(shelf.backups, name):
        return Origin(found)
    bucket = offsite.bucket_of(session, sight)
    strays = dict(shelf.strays)
    if bucket:
        stock = bucket.look()
        offsite.warn_of_doubts(session, sight, bucket, stock)
        found = _find(tuple(copy.backup for copy in stock.copies.values()), name)
        if found:
            return _copied(sight, bucket, stock.copies[found.name], identity)
        strays = {key.removesuffix(".json"): why for key, why in stock.strays.items()} | strays
    raise _unknown(server, replace(shelf, strays=strays), name)


def _find(backups: tuple[Backup, ...], name: str) -> Backup | None:
    if name == "newest":
        return backups[-1] if backups else None
    return Shelf(0, 0, backups).find(name)


def _unknown(server: str, shelf: Shelf, name: str) -> Exception:
    if name in shelf.strays:
        return refused(f"{server}: {name} does not count: {shelf.strays[name]}")
    if name == "latest" and shelf.backups:
        newest = shelf.backups[-1].name
        return refused(f"{server}: no backup is verified yet; fab db.verify checks {newest}")
    what = "no backup" if name in ("latest", "newest") else f"no backup '{name}'"
    return refused(f"{server}: {what}; fab db.list lists them")


def _copied(sight: Sight, bucket: Bucket, copy: Copy, identity: str) -> Origin:
    key = _private_key(sight, copy, identity) if copy.recipient else ""
    return Origin(copy.backup, copy, bucket, key)


def _private_key(sight: Sight, copy: Copy, file: str) -> str:
    """The text of the operator's key file, when the server can use it."""
    server = sight.server.name
    if not file:
        raise refused(
            f"{server}: {copy.object} is encrypted; --identity FILE names the private key of"
            f" {copy.recipient}"
        )
    try:
        text = Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", "") or "it is no text"
        raise refused(f"{server}: identity {file} cannot be read: {why}") from None
    lines = [line for line in text.splitlines() if line.startswith(PRIVATE)]
    if not lines:
        raise refused(f"{server}: identity {file} holds no private key of age ({PRIVATE}…)")
    if missing_programs(sight.host, (AGE,)):
        raise refused(f"{server}: {MISSING_AGE}")
    return "\n".join(lines)
