"""The tasks of the database: backups, and the proof that they can be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

from .command import command
from .options import DROP_OLD, DRY_RUN, FROM, IDENTITY, INTO, JSON, ON, QUIET, TO_TIME, WAIVE, YES

if TYPE_CHECKING:
    from .ops.session import Session


@command(ON, QUIET, JSON, journal="db.backup")
def backup_task(session: Session, on: str, quiet: bool, json: bool) -> None:
    """Dump the database into a compressed file on its server, with a manifest beside it.

    With s3_bucket in hosts.ini every good backup that is missing there is copied and read back.
    Exit codes: 0 done; 1 no backup was made, and nothing is left of it, or it is made and not
    copied; 2 not tried (disk, another one is running, no database).

    Example: fab db.backup --on ubuntu
    """
    from .ops.data import backups

    backups.backup(session, on, quiet=quiet, as_json=json)


@command(ON, FROM.with_default("newest"), IDENTITY, QUIET, JSON, journal="db.verify")
def verify_task(
    session: Session, on: str, from_: str, identity: str, quiet: bool, json: bool
) -> None:
    """Restore a backup into a throwaway PostgreSQL and compare; exit 1 when it differs.

    Example: fab db.verify --from newest
    """
    from .ops.data import backups

    backups.verify(session, on, from_, identity, quiet=quiet, as_json=json)


@command(ON, QUIET, journal="db.base")
def base_task(session: Session, on: str, quiet: bool) -> None:
    """Copy the whole cluster, so that db.restore --to-time reaches every instant from now on.

    Example: fab db.base --on ubuntu
    """
    from .ops.data import instants

    instants.base(session, on, quiet=quiet)


@command(ON, JSON)
def list_task(session: Session, on: str, json: bool) -> None:
    """List the backups, which are verified, and which stay and why.

    Example: fab db.list --on ubuntu
    """
    from .ops.data import shelves

    shelves.list_(session, on, as_json=json)


@command(ON, YES, DRY_RUN, journal="db.prune")
def prune_task(session: Session, on: str, yes: bool, dry_run: bool) -> None:
    """Remove the backups whose day, week and month have a newer verified one.

    Example: fab db.prune --on ubuntu
    """
    from .ops.data import shelves

    shelves.prune(session, on, yes=yes, dry_run=dry_run)


@command(ON, FROM, IDENTITY, TO_TIME, INTO, DROP_OLD, WAIVE, YES, journal="db.restore")
def restore_task(
    session: Session,
    on: str,
    from_: str,
    identity: str,
    to_time: str,
    into: str,
    drop_old: bool,
    waive: tuple[str, ...],
    yes: bool,
) -> None:
    """Put a backup in the place of the database, in one transaction; the old one is kept.

    Exit codes: 0 done; 1 failed, the database is the one from before; 2 not tried; 3 a person is
    needed.

    Example: fab db.restore --from latest --into looked_at
    Example: fab db.restore --to-time 2026-11-30T14:30:00
    """
    from .ops.data import restore

    options = restore.Options(from_, identity, to_time, into, drop_old, waive, yes)
    restore.restore(session, on, options)


ns = Collection("db", backup_task, verify_task, base_task, list_task, prune_task, restore_task)
ns.__doc__ = "The database"
