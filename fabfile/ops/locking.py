"""Locking: how a command presents itself to others, and waits for them."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext

from ..remote.host import Host
from ..remote.lock import Lock
from .session import Session, operator


def holder() -> str:
    """How this command presents itself to others who want the same server."""
    return f"{operator()} since {time.strftime('%H:%M:%S UTC', time.gmtime())}"


def deadline(wait: int) -> float:
    """The instant of the monotonic clock until which locks are waited for; 0: not at all."""
    return time.monotonic() + wait if wait else 0


def held(host: Host) -> AbstractContextManager[object]:
    """The lock of a server besides one's own, not waited for; nothing where it is held already.

    Who holds a lock may wait for no other one: somebody may hold that and wait for this.
    """
    return nullcontext() if host.turn else Lock(host, holder())


def waiting_lock(session: Session, name: str, until: float) -> Lock:
    """The lock of a server, waited for until then; whoever watches sees who is in the way."""
    return Lock(
        session.host(name),
        holder(),
        until=until,
        waiting=lambda why: session.console.line(name, f"waiting: {why}"),
    )
