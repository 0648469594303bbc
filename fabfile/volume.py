"""The tasks of volumes: files that services keep beside the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke import Collection

from .command import command

if TYPE_CHECKING:
    from .ops.session import Session


@command("on", "service", "quiet", "json")
def backup_task(
    session: Session, on: str = "", service: str = "", quiet: bool = False, json: bool = False
) -> None:
    """Pack the files of the services' volumes, while they hold still, with a manifest beside each.

    Exit codes: 0 done; 1 no backup was made of one, and nothing is left of that; 2 not tried.
    """
    from .ops.data import volumes

    volumes.backup(session, on, service, quiet=quiet, as_json=json)


@command("service", "on", "from", "waive", "yes", iterable=("waive",))
def restore_task(
    session: Session,
    service: str,
    on: str = "",
    from_: str = "newest",
    waive: Sequence[str] | None = None,
    yes: bool = False,
) -> None:
    """Put a backup in the place of a volume's files; what was there stays aside until it is proved.

    Exit codes: 0 done; 1 failed, the former files are back; 2 not tried; 3 a person is needed.
    """
    from .ops.data import volumes

    volumes.restore(session, on, service, volumes.Options(from_, tuple(waive or ()), yes))


ns = Collection("volume", backup_task, restore_task)
