"""Freezing: let nothing change what runs on a server, until somebody lifts that again."""

from __future__ import annotations

from ...model.errors import refused
from ...model.freeze import Freeze
from ...remote import state
from ...remote.lock import Lock
from ...remote.look import look
from ..locking import holder
from ..session import Session, operator


def freeze(session: Session, name: str, why: str) -> None:
    """Refuse from now on what changes what runs; whatever is being changed now comes first."""
    host, reason = session.host(name), " ".join(why.split())
    if not reason:
        raise refused('a freeze needs its reason: --why "..."')
    with Lock(host, holder()):
        facts = look(host)
        if not facts.has_folder(host.server.root / "locks"):
            raise refused(f"{name}: nothing was ever deployed here; there is nothing to freeze")
        made = Freeze(operator(), facts.now, reason)
        state.freeze(host, made)
    session.console.line(name, str(made), "bold")


def unfreeze(session: Session, name: str) -> None:
    """Lift a freeze."""
    host = session.host(name)
    with Lock(host, holder(), though_frozen=True):
        there = look(host).freeze
        if there:
            state.unfreeze(host)
    session.console.line(name, f"no longer {there}" if there else "not frozen; no change")
