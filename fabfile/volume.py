"""The tasks of volumes: files that services keep beside the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

from .command import command
from .kinds import REQUIRED
from .options import FROM, JSON, ON, QUIET, SERVICE, WAIVE, YES

if TYPE_CHECKING:
    from .ops.session import Session


@command(ON, SERVICE, QUIET, JSON, journal="volume.backup")
def backup_task(session: Session, on: str, service: str, quiet: bool, json: bool) -> None:
    """Pack the files of the services' volumes, while they hold still, with a manifest beside each.

    Exit codes: 0 done; 1 no backup was made of one, and nothing is left of that; 2 not tried.

    Example: fab volume.backup --service redis
    """
    from .ops.data import volumes

    volumes.backup(session, on, service, quiet=quiet, as_json=json)


@command(
    SERVICE.with_default(REQUIRED),
    ON,
    FROM.with_default("newest"),
    WAIVE,
    YES,
    journal="volume.restore",
)
def restore_task(
    session: Session, service: str, on: str, from_: str, waive: tuple[str, ...], yes: bool
) -> None:
    """Put a backup in the place of a volume's files; what was there stays aside until it is proved.

    Exit codes: 0 done; 1 failed, the former files are back; 2 not tried; 3 a person is needed.

    Example: fab volume.restore redis --from newest
    """
    from .ops.data import volumes

    volumes.restore(session, on, service, volumes.Options(from_, waive, yes))


ns = Collection("volume", backup_task, restore_task)
ns.__doc__ = "Volumes"
