"""The tasks of maintenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

from .command import command
from .kinds import REQUIRED
from .options import ALLOW, SERVER, UNTIL, WHY

if TYPE_CHECKING:
    from .ops.session import Session


@command(WHY.with_default(REQUIRED), UNTIL, ALLOW, SERVER, journal="maintenance.on")
def on_task(session: Session, why: str, until: str, allow: tuple[str, ...], server: str) -> None:
    """Tell visitors that the application is away, by one load; deploys go on behind it.

    Exit codes: 0 done; 1 the proxy did not take it, and nothing is changed; 2 refused.

    Example: fab maintenance.on --why "a move" --until 30m --allow 203.0.113.7
    """
    from .ops.deploy import maintenance

    maintenance.begin(session, server, maintenance.Options(why, until, allow))


@command(SERVER, journal="maintenance.off")
def off_task(session: Session, server: str) -> None:
    """Let everybody in again, by one load.

    Example: fab maintenance.off --server ubuntu
    """
    from .ops.deploy import maintenance

    maintenance.end(session, server)


ns = Collection("maintenance", on_task, off_task)
ns.__doc__ = "Maintenance"
