"""The tasks of how servers are reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

from .command import command
from .kinds import REQUIRED
from .options import FINGERPRINT, SERVER

if TYPE_CHECKING:
    from .ops.session import Session


@command(SERVER.with_default(REQUIRED), FINGERPRINT)
def pin_task(session: Session, server: str, fingerprint: str) -> None:
    """Fetch a server's host key, show it for comparison, and pin it once it was compared.

    Exit codes: 0 pinned, or it was already; 1 known_hosts cannot be written; 2 nothing was pinned.

    Example: fab hosts.pin ubuntu
    """
    from .ops.access import pinning

    pinning.pin(session, server, fingerprint)


ns = Collection("hosts", pin_task)
ns.__doc__ = "The way to servers"
