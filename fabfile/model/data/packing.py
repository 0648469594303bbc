"""Whether a server can pack the backups that it is to make."""

from __future__ import annotations

from collections.abc import Collection

from ..stack import Stack


def warnings(stack: Stack, compression: str, lacking: Collection[str]) -> list[str]:
    """What to say of a server that lacks the program; ``lacking``: those that it lacks."""
    kept = stack.database is not None or any(one.hints.volume for one in stack.services)
    if compression not in lacking or not kept:
        return []
    remedy = f"sudo apt-get install {compression}, or another compression in hosts.ini"
    return [f"no {compression} on the server, so no backup can be made: {remedy}"]
