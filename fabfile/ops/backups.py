"""Backups: take, check, list and prune. A backup counts when it has been restored."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from ..model.backup import Backup, Shelf, differences, file_name, suspicion
from ..model.errors import FAILED, Trouble, refused
from ..model.facts import Facts
from ..model.retention import Retention, retain
from ..model.way_back import retained
from ..remote import postgres as remote
from ..remote.host import Host
from ..remote.postgres import Postgres
from . import bases
from .databases import find, require_packer
from .session import Session, occasion, operator


def backup(session: Session, on: str, *, quiet: bool, as_json: bool) -> None:
    """Take a backup of the database; with ``quiet`` nothing is shown when all is well."""
    sight, postgres = find(session, on)
    require_packer(sight.host)
    made, odd = take(sight.host, postgres, sight.facts, occasion())
    console = session.console
    if as_json:
        console.result(view(made))
    elif not quiet:
        console.line(sight.server.name, f"backup {told(made)}; fab db.verify restores it")
    if odd:
        console.warn(sight.server.name, odd)


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


def verify(session: Session, on: str, name: str, *, quiet: bool, as_json: bool) -> None:
    """Restore a backup into a throwaway PostgreSQL and compare; exit code 1 when it differs.

    ``name``: a backup, or ``newest``.
    """
    sight, postgres = find(session, on)
    chosen = choose(sight.server.name, remote.shelf(sight.host), name)
    start = time.monotonic()
    checked = check(sight.host, postgres, chosen)
    console = session.console
    if as_json:
        console.result(view(checked))
    elif not quiet:
        seconds = time.monotonic() - start
        console.line(
            sight.server.name, f"verified {told(checked)}: restored and equal in {seconds:.1f} s"
        )


def choose(server: str, shelf: Shelf, name: str) -> Backup:
    """The backup that a name, ``latest`` (verified) or ``newest`` means; exit code 2 if none."""
    newest = shelf.backups[-1] if shelf.backups else None
    found = newest if name == "newest" else shelf.find(name)
    if found:
        return found
    if name in shelf.strays:
        raise refused(f"{server}: {name} does not count: {shelf.strays[name]}")
    if name == "latest" and newest:
        raise refused(f"{server}: no backup is verified yet; fab db.verify checks {newest.name}")
    what = "no backup" if name in ("latest", "newest") else f"no backup '{name}'"
    raise refused(f"{server}: {what}; fab db.list lists them")


def check(host: Host, postgres: Postgres, chosen: Backup) -> Backup:
    """Restore a backup apart and write into its manifest how that went; Trouble unless equal."""
    assert chosen.content is not None
    try:
        found = differences(chosen.content, remote.try_restore(host, postgres, chosen))
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


def list_(session: Session, on: str, *, as_json: bool) -> None:
    """The backups with what is known of each, newest first."""
    sight, _ = find(session, on)
    shelf = remote.shelf(sight.host)
    decision = _retention(sight.host, shelf, sight.facts)
    if as_json:
        session.console.result(
            {
                "backups": [listed(b, decision) for b in reversed(shelf.backups)],
                "strays": dict(shelf.strays),
                "free_bytes": shelf.free,
            }
        )
        return
    rows = [
        (
            backup.name,
            size(backup.bytes),
            str(backup.content.rows if backup.content else 0),
            (backup.content.revision if backup.content else "") or "-",
            _state(backup),
            backup.reason,
            decision.stays.get(backup.name) or f"goes: {decision.goes[backup.name]}",
        )
        for backup in reversed(shelf.backups)
    ]
    console = session.console
    columns = ("backup", "size", "rows", "schema", "verified", "made", "stays because it is")
    console.table(f"{sight.server.name}: {size(shelf.free)} free", columns, rows)
    for name, why in shelf.strays.items():
        console.warn(sight.server.name, f"{name} does not count: {why}")


def _state(backup: Backup) -> str:
    if backup.failure:
        return f"FAILED: {backup.failure[:60]}"
    if not backup.verified:
        return "no"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(backup.verified))


def _retention(host: Host, shelf: Shelf, facts: Facts) -> Retention:
    needed = {release.backup for release in retained(facts.releases)} - {""}
    return retain(shelf.backups, host.server.keep, needed)


def prune(session: Session, on: str, *, yes: bool, dry_run: bool) -> None:
    """Remove the backups that retention does not need; on a terminal only with ``yes``."""
    sight, _ = find(session, on)
    shelf = remote.shelf(sight.host)
    decision = _retention(sight.host, shelf, sight.facts)
    console, name = session.console, sight.server.name
    only_show = dry_run or (console.interactive and not yes)
    for backup, why in decision.goes.items():
        console.line(name, f"{'would remove' if only_show else 'remove'} {backup}: {why}")
    if decision.goes and not only_show:
        remote.remove(sight.host, list(decision.goes))
    bases.prune(session, sight, only_show=only_show)
    hint = "; --yes removes them" if only_show and decision.goes else ""
    console.line(name, f"{len(decision.goes)} to remove, {len(decision.stays)} stay{hint}")


def view(backup: Backup) -> dict[str, Any]:
    """A backup as the commands print it in JSON."""
    content = backup.content
    tables: Mapping[str, tuple[int, str]] = content.tables if content else {}
    plain = asdict(backup)
    del plain["content"]
    return {
        **plain,
        "schema": content.revision if content else "",
        "version": content.version if content else "",
        "database_bytes": content.bytes if content else 0,
        "rows": {table: rows for table, (rows, _) in tables.items()},
    }


def listed(backup: Backup, decision: Retention) -> dict[str, Any]:
    """A backup as db.list prints it in JSON."""
    stays = backup.name in decision.stays
    why = decision.stays.get(backup.name) or decision.goes[backup.name]
    return {**view(backup), "stays": stays, "why": why}
