"""The tasks of the database: backups, and the proof that they can be restored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke import Collection

from .command import command

if TYPE_CHECKING:
    from .ops.session import Session


@command("on", "quiet", "json")
def backup_task(session: Session, on: str = "", quiet: bool = False, json: bool = False) -> None:
    """Dump the database into a compressed file on its server, with a manifest beside it.

    With s3_bucket in hosts.ini every good backup that is missing there is copied and read back.
    Exit codes: 0 done; 1 no backup was made, and nothing is left of it, or it is made and not
    copied; 2 not tried (disk, another one is running, no database).
    """
    from .ops.data import backups

    backups.backup(session, on, quiet=quiet, as_json=json)


@command("on", "from", "identity", "quiet", "json")
def verify_task(
    session: Session,
    on: str = "",
    from_: str = "newest",
    identity: str = "",
    quiet: bool = False,
    json: bool = False,
) -> None:
    """Restore a backup into a throwaway PostgreSQL and compare; exit 1 when it differs."""
    from .ops.data import backups

    backups.verify(session, on, from_, identity, quiet=quiet, as_json=json)


@command("on", "quiet")
def base_task(session: Session, on: str = "", quiet: bool = False) -> None:
    """Copy the whole cluster, so that db.restore --to-time reaches every instant from now on."""
    from .ops.data import instants

    instants.base(session, on, quiet=quiet)


@command("on", "json")
def list_task(session: Session, on: str = "", json: bool = False) -> None:
    """List the backups, which are verified, and which stay and why."""
    from .ops.data import shelves

    shelves.list_(session, on, as_json=json)


@command("on", "yes", "dry-run")
def prune_task(session: Session, on: str = "", yes: bool = False, dry_run: bool = False) -> None:
    """Remove the backups whose day, week and month have a newer verified one."""
    from .ops.data import shelves

    shelves.prune(session, on, yes=yes, dry_run=dry_run)


@command(
    "on", "from", "identity", "to-time", "into", "drop-old", "waive", "yes", iterable=("waive",)
)
def restore_task(
    session: Session,
    on: str = "",
    from_: str = "",
    identity: str = "",
    to_time: str = "",
    into: str = "",
    drop_old: bool = False,
    waive: Sequence[str] | None = None,
    yes: bool = False,
) -> None:
    """Put a backup in the place of the database, in one transaction; the old one is kept.

    Exit codes: 0 done; 1 failed, the database is the one from before; 2 not tried; 3 a person is
    needed.
    """
    from .ops.data import restore

    options = restore.Options(from_, identity, to_time, into, drop_old, tuple(waive or ()), yes)
    restore.restore(session, on, options)


ns = Collection("db", backup_task, verify_task, base_task, list_task, prune_task, restore_task)
