"""Securing a database before it is changed: a backup that was restored, or nothing to lose."""

from __future__ import annotations

from ...model.stack import Stack
from ...remote.data.postgres import is_empty
from ...remote.host import Host
from ...remote.look import look
from ..data import backups
from ..data.databases import from_service, require_packer

WAIT = 3600
"""Seconds to wait for a backup that is running already."""


def secure(host: Host, stack: Stack, reason: str) -> tuple[str, str]:
    """Take a backup and prove it by restoring it; its name, and a note for who watches.

    The name is empty where there is nothing to secure: no database, or none with a table.
    """
    service = stack.database
    if service is None:
        return "", ""
    facts = look(host)
    container = facts.container(stack.project, service.name)
    postgres = from_service(service, container.image if container else "")
    if is_empty(host, postgres):
        return "", "the database is empty"
    require_packer(host)
    made, odd = backups.take(host, postgres, facts, reason, wait=WAIT)
    name = backups.check(host, postgres, made).name
    return name, f"{name}, restored and equal{f'; {odd}' if odd else ''}"
