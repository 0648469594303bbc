"""The tasks of the settings and secrets of servers: their ``.env``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

from .command import command
from .options import JSON, SERVER, SETTING

if TYPE_CHECKING:
    from .ops.session import Session


@command(SERVER, JSON)
def check_task(session: Session, server: str, json: bool) -> None:
    """Check each server's .env as a deploy does, and across servers; exit 1 when one is wrong."""
    from .ops.access import inspecting

    inspecting.check(session, server, as_json=json)


@command(SERVER, JSON)
def diff_task(session: Session, server: str, json: bool) -> None:
    """Show in what .env differs: from .env.example, from what runs, and from other servers."""
    from .ops.access import inspecting

    inspecting.diff(session, server, as_json=json)


@command(SETTING, SERVER, JSON)
def explain_task(session: Session, setting: str, server: str, json: bool) -> None:
    """Show where a key of .env comes from, what it must be, and which services read it."""
    from .ops.access import inspecting

    inspecting.explain(session, setting, server, as_json=json)


ns = Collection("env", check_task, diff_task, explain_task)
ns.__doc__ = "Settings and secrets"
