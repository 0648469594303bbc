"""Backups: take and check. A backup counts when it has been restored."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict
from typing import Any

from ...model.data.backup import Backup, file_name, suspicion
from ...model.errors import FAILED, Trouble
from ...model.facts import Facts
from ...remote.data import postgres as remote
from ...remote.data.postgres import Postgres
from ...remote.host import Host
from ..session import Session, occasion, operator
from . import offsite
from . import origin as source
from .databases import find, require_packer


def backup(session: Session, on: str, *, quiet: bool, as_json: bool) -> None:
    """Take a backup of the database, and copy what is missing off-site where there are settings.

    With ``quiet`` nothing is shown when all is well.
    """
    sight, postgres = find(session, on)
    require_packer(sight.host)
    console, name = session.console, sight.server.name
    with _alive(session, name, "backup", quiet=quiet):
        made, odd = take(sight.host, postgres, sight.facts, occasion())

    def show(text: str) -> None:
        if not quiet:
            console.line(name, text)

    show(f"backup {told(made)}; fab db.verify restores it")
    if odd:
        console.warn(name, odd)
    with _alive(session, name, "off-site copies", quiet=quiet):
        offsite.bring(session, sight, show)
    if as_json:
        console.result(view(made))


def _alive(session: Session, name: str, title: str, *, quiet: bool) -> AbstractContextManager[None]:
    """Show that something is under way, unless nothing is to be shown."""
    return nullcontext() if quiet else session.console.waiting(name, title)


def take(
    host: Host, postgres: Postgres, facts: Facts, reason: str, wait: int = 0
) -> tuple[Backup, str]:
    """Take a backup; it and what is odd about it, if anything."""
    shelf = remote.shelf(host)
    last = facts.verified
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(shelf.now))
    wanted = Backup(
        name=file_name(
            stamp, host.server.compression, [*(b.name for b in shelf.backups), *shelf.strays]
        ),
        number=shelf.next_number(),
        taken=shelf.now,
        server=host.name,
        database=postgres.name,
        reason=reason,
        commit=last.commit if last else "",
        release=last.id if last else "",
        who=operator(),
    )
    made = remote.take(host, postgres, wanted, shelf.expected(), wait)
    return made, suspicion(made, shelf.newest_verified)


def told(backup: Backup) -> str:
    """A backup in a few words."""
    rows = backup.content.rows if backup.content else 0
    return f"{backup.name} ({size(backup.bytes)}, {rows} rows, {backup.seconds:.1f} s)"


def size(number: int) -> str:
    """Bytes as a person reads them."""
    amount = float(number)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"


def verify(
    session: Session, on: str, name: str, identity: str, *, quiet: bool, as_json: bool
) -> None:
    """Restore a backup into a throwaway PostgreSQL and compare; exit code 1 when it differs.

    ``name``: a backup, ``newest``, or one that stands off-site, which is fetched first.
    """
    sight, postgres = find(session, on)
    chosen = source.choose(session, sight, name, identity)
    chosen.fetch(session, sight)
    start = time.monotonic()
    with _alive(session, sight.server.name, f"restore {chosen.backup.name} apart", quiet=quiet):
        checked = check(sight.host, postgres, chosen.backup)
    offsite.renew(session, sight, checked)
    console = session.console
    if as_json:
        console.result(view(checked))
    elif not quiet:
        seconds = time.monotonic() - start
        console.line(
            sight.server.name, f"verified {told(checked)}: restored and equal in {seconds:.1f} s"
        )


def check(host: Host, postgres: Postgres, chosen: Backup) -> Backup:
    """Restore a backup apart and write into its manifest how that went; Trouble unless equal."""
    try:
        found = remote.try_restore(host, postgres, chosen)
    except Trouble as trouble:
        if trouble.code == FAILED:
            with suppress(Trouble):
                remote.write_manifest(host, chosen.checked(0, [trouble.message]))
        raise
    checked = chosen.checked(remote.shelf(host).now, found)
    remote.write_manifest(host, checked)
    if found:
        raise Trouble(f"{host.name}: {chosen.name} came back differently", evidence=found)
    return checked


def view(backup: Backup) -> dict[str, Any]:
    """A backup as the commands print it in JSON."""
    content = backup.content
    tables: Mapping[str, tuple[int, str]] = content.tables if content else {}
    plain = asdict(backup)
    for internal in ("content", "answered", "rights"):
        del plain[internal]
    return {
        **plain,
        "schema": content.revision if content else "",
        "version": content.version if content else "",
        "database_bytes": content.bytes if content else 0,
        "rows": {table: rows for table, (rows, _) in tables.items()},
    }
