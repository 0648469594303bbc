"""Base backups that stay and go, and the log that they need."""

from __future__ import annotations

from ...model.data.base import needed_segment
from ...model.errors import refused
from ...remote.data import bases as remote
from ...remote.data.bases import Receiver
from ..session import Session
from ..sight import Sight


def receiver_of(sight: Sight) -> Receiver | None:
    """The container that receives the log of the server's database; None: its profile is off."""
    assert sight.target is not None
    stack = sight.target.stack
    hint = stack.database.hints.database if stack.database else None
    archive = hint.archive if hint else None
    for service in stack.services:
        if archive and service.name == archive.service:
            return Receiver(service.container, archive.folder)
    return None


def require_receiver(sight: Sight) -> Receiver:
    """The same; exit code 2 when there is none."""
    receiver = receiver_of(sight)
    if receiver is None:
        raise refused(
            f"{sight.server.name}: its stack does not receive the database's log; see"
            " point-in-time recovery in docs/backup.md"
        )
    return receiver


def prune(session: Session, sight: Sight, *, only_show: bool) -> None:
    """Remove all but the last ``keep_daily`` bases, and the log that the others do not need."""
    receiver = receiver_of(sight)
    if receiver is None:
        return
    shelf = remote.shelf(sight.host)
    outlived = shelf.outlived(sight.server.keep.daily)
    for one in outlived:
        word = "would remove" if only_show else "remove"
        session.console.line(sight.server.name, f"{word} {one.name}: as many are newer as stay")
    kept = [one for one in shelf.bases if one not in outlived]
    if kept and not only_show:
        names = [one.name for one in outlived]
        remote.remove(sight.host, receiver, names, needed_segment(kept))
