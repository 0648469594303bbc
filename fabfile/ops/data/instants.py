"""Point-in-time recovery: base backups, and a database as it was at an instant."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ...model.data.backup import SUFFIXES, Backup
from ...model.data.base import Base, Bases, when
from ...model.errors import refused
from ...remote.data import bases as remote
from ...remote.data.bases import Receiver
from ...remote.data.postgres import Postgres
from ..session import Session, operator
from ..sight import Sight
from . import backups
from .bases import require_receiver
from .databases import find, require_packer


def base(session: Session, on: str, *, quiet: bool) -> None:
    """Take a base backup; exit code 2 where the log is not received."""
    sight, _ = find(session, on)
    receiver = require_receiver(sight)
    require_packer(sight.host)
    host, name = sight.host, sight.server.name
    shelf = remote.shelf(host)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(shelf.now))
    wanted = Base(
        name=f"base_{stamp}.tar.{SUFFIXES[host.server.compression]}",
        number=shelf.next_number(),
        taken=shelf.now,
        server=name,
        who=operator(),
    )
    expected = shelf.bases[-1].bytes * 3 // 2 if shelf.bases else 0
    made = remote.take(host, receiver, wanted, expected)
    if not quiet:
        console = session.console
        console.line(name, f"base {made.name} ({backups.size(made.bytes)})")
        console.line(name, f"any instant from {when(made.ended)} on can be restored: --to-time")


@dataclass(frozen=True)
class Instant:
    """An instant that the database can be brought to."""

    at: int
    base: Base
    receiver: Receiver

    def __str__(self) -> str:
        return f"as of {when(self.at)}, from {self.base.name} and the log since"

    @property
    def told(self) -> str:
        """What comes back, in a few words."""
        return f"the database {self}"


def choose(sight: Sight, at: int) -> Instant:
    """The way to an instant; exit code 2 when there is none."""
    receiver = require_receiver(sight)
    name, shelf = sight.server.name, remote.shelf(sight.host)
    if at > shelf.now:
        raise refused(f"{name}: {when(at)} is still to come; its clock says {when(shelf.now)}")
    found = shelf.before(at)
    if found is None:
        raise refused(f"{name}: no base is older than {when(at)}; {_first(shelf)}")
    return Instant(at, found, receiver)


def _first(shelf: Bases) -> str:
    if not shelf.bases:
        return "there is none at all: fab db.base takes one"
    return f"the first instant is {when(shelf.bases[0].ended)}"


def bring(sight: Sight, postgres: Postgres, instant: Instant) -> Backup:
    """A backup of the database as it was at an instant, like any other."""
    host = sight.host
    with remote.brought_to(host, postgres, instant.receiver, instant.base, instant.at) as then:
        made, _ = backups.take(host, then, sight.facts, str(instant), wait=60)
    return made
