"""The shelves: the backups of a server in both places, and what is to become of each."""

from __future__ import annotations

import time
from typing import Any

from ...model.data.backup import Backup
from ...remote.data import postgres as remote
from ...remote.data.s3 import Bucket
from ..session import Session
from . import bases, offsite
from .backups import size, view
from .databases import find
from .offsite import Places, bucket_of


def list_(session: Session, on: str, *, as_json: bool) -> None:
    """The backups with what is known of each, newest first."""
    sight, _ = find(session, on)
    console, name = session.console, sight.server.name
    bucket = bucket_of(session, sight)
    places = offsite.look(sight.host, sight.facts, bucket)
    strays = dict(places.shelf.strays)
    if bucket:
        strays |= {bucket.folder.address(key): why for key, why in places.stock.strays.items()}
    if as_json:
        console.result(
            {
                "backups": [listed(b, places, bucket) for b in reversed(places.backups)],
                "strays": strays,
                "free_bytes": places.shelf.free,
                "offsite": bucket.folder.address() if bucket else "",
            }
        )
        return
    columns = ["backup", "size", "rows", "schema", "verified", "made", "stays because it is"]
    rows = [_row(backup, places) for backup in reversed(places.backups)]
    if bucket:
        columns.insert(1, "stands")
        for row in rows:
            row.insert(1, _where(row[0], places))
    console.table(f"{name}: {size(places.shelf.free)} free", columns, rows)
    for stray, why in strays.items():
        console.warn(name, f"{stray} does not count: {why}")


def _row(backup: Backup, places: Places) -> list[str]:
    decision = places.decision
    return [
        backup.name,
        size(backup.bytes),
        str(backup.content.rows if backup.content else 0),
        (backup.content.revision if backup.content else "") or "-",
        _state(backup),
        backup.reason,
        decision.stays.get(backup.name) or f"goes: {decision.goes[backup.name]}",
    ]


def _where(name: str, places: Places) -> str:
    """In which places a backup stands, and where it is missing."""
    if places.shelf.find(name) is None:
        return "off-site only"
    copy = places.stock.copies.get(name)
    if copy is None:
        return "here, not off-site"
    return "both, encrypted" if copy.recipient else "both"


def _state(backup: Backup) -> str:
    if backup.failure:
        return f"FAILED: {backup.failure[:60]}"
    if not backup.verified:
        return "no"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(backup.verified))


def prune(session: Session, on: str, *, yes: bool, dry_run: bool) -> None:
    """Remove the backups that retention does not need; on a terminal only with ``yes``."""
    sight, _ = find(session, on)
    console, name = session.console, sight.server.name
    bucket = bucket_of(session, sight)
    places = offsite.look(sight.host, sight.facts, bucket)
    here, there = places.doomed_here, places.doomed_there
    only_show = dry_run or (console.interactive and not yes)
    verb = "would remove" if only_show else "remove"
    for backup, why in here.items():
        console.line(name, f"{verb} {backup}: {why}")
    if here and not only_show:
        remote.remove(sight.host, list(here))
    kept = 0
    for backup, why in there.items() if bucket else ():
        copy = places.stock.copies[backup]
        assert bucket
        console.line(name, f"{verb} {bucket.folder.address(copy.object)}: {why}")
        if not only_show and (refusal := bucket.remove(copy)):
            kept += 1
            console.warn(name, f"{bucket.folder.address(copy.object)} stays: {refusal}")
    bases.prune(session, sight, only_show=only_show)
    all_ = len(places.shelf.backups) + len(places.stock.copies)
    going = len(here) + len(there) - kept
    hint = "; --yes removes them" if only_show and going else ""
    console.line(name, f"{going} to remove, {all_ - going} stay{hint}")


def listed(backup: Backup, places: Places, bucket: Bucket | None) -> dict[str, Any]:
    """A backup as db.list prints it in JSON."""
    stays = backup.name in places.decision.stays
    why = places.decision.stays.get(backup.name) or places.decision.goes[backup.name]
    copy = places.stock.copies.get(backup.name)
    return {
        **view(backup),
        "stays": stays,
        "why": why,
        "here": places.shelf.find(backup.name) is not None,
        "offsite": bucket.folder.address(copy.object) if bucket and copy else "",
        "encrypted": bool(copy and copy.recipient),
    }
