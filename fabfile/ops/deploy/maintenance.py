"""Maintenance: visitors are told that the application is away; deploys go on behind that."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from ...model.errors import Trouble, refused
from ...model.maintenance import FILE, Maintenance, addresses
from ...model.stack import Service
from ...remote import state
from ...remote.deploy import proxy
from ...remote.lock import Lock
from .. import gates
from ..locking import holder
from ..session import Session, operator
from ..sight import DEPLOYED, Sight, look_at
from .rolling import Rolling

CLOSED = 503


@dataclass(frozen=True)
class Options:
    """What the operator asked for."""

    why: str
    until: str = ""
    """``600s`` from now on, or seconds since 1970; empty: not said."""
    allow: tuple[str, ...] = ()
    """Addresses of clients that are served as ever."""


def begin(session: Session, server: str, options: Options) -> None:
    """Have the proxy answer 503 to all but a few, by one load; again: with other words.

    Exit code 1 where it did not come to that, and nothing is changed; 2 where the stack has no way.
    """
    why = " ".join(options.why.split())
    if not why:
        raise refused('maintenance needs its reason: --why "..."')
    allow = addresses(options.allow)
    name = _meant(session, server)
    host = session.host(name)
    with Lock(host, holder(), though_frozen=True):
        sight = look_at(session, name, DEPLOYED)
        front = _front(sight)
        facts = sight.facts
        until = _until(options.until, facts.now)
        made = Maintenance(operator(), facts.now, why, until, allow, secrets.token_hex(16))
        host.hide([made.token])
        # First what lets our own gates in: whoever deploys meanwhile must not find the door shut.
        state.begin_maintenance(host, made)
        try:
            _load(sight, front, made.text(front.hints.maintenance, facts.now))
            if not gates.closed(sight, CLOSED):
                raise Trouble(
                    f"{name}: the proxy still answers everybody: does it include {FILE}?"
                    " docs/proxy.md says where"
                )
        except Trouble:
            _undo(sight, front)
            raise
    session.console.line(name, str(made), "bold")


def end(session: Session, server: str) -> None:
    """Let everybody in again, by one load. Where nobody was shut out, nothing is changed."""
    name = _meant(session, server)
    host = session.host(name)
    with Lock(host, holder(), though_frozen=True):
        sight = look_at(session, name, DEPLOYED)
        there = sight.facts.maintenance
        if there:
            _load(sight, _front(sight), "")
            state.end_maintenance(host)
    session.console.line(name, f"no longer {there}" if there else "not in maintenance; no change")


def _meant(session: Session, server: str) -> str:
    """The server of that name; empty: the only one that has domains."""
    if server:
        return session.inventory.server(server).name
    found = [one.name for one in session.inventory.servers if one.domains]
    if len(found) == 1:
        return found[0]
    raise refused(f"--server says which: {', '.join(found) or 'none has domains in hosts.ini'}")


def _until(text: str, now: int) -> int:
    if not text:
        return 0
    found = now + int(text[:-1]) if text.endswith("s") else int(text)
    if found <= now:
        raise refused("--until lies in the past by the server's clock")
    return found


def _front(sight: Sight) -> Service:
    """The proxy that can do it; exit code 2 where there is none, or it does not run."""
    name = sight.server.name
    if sight.target is None:
        sight.require()
    assert sight.target is not None
    front = sight.target.stack.proxy
    if front is None or not front.hints.maintenance:
        raise refused(f"{name}: its proxy has no `maintenance` under x-deploy (docs/proxy.md)")
    if not sight.facts.runs(sight.target.stack.project, front.name):
        raise refused(f"{name}: {front.name} does not run: nobody is answered anyway")
    return front


def _load(sight: Sight, front: Service, text: str) -> None:
    """Have the proxy load what it does already, with this in its file."""
    assert sight.target is not None
    told = Rolling(sight.host, sight.target, sight.facts).told()
    facts = sight.facts
    told = replace(
        told,
        service=front,
        files={FILE: text},
        generation=facts.generation,
        split=facts.split,
        as_loaded=True,
    )
    proxy.load(sight.host, told)


def _undo(sight: Sight, front: Service) -> None:
    """As it was before; of two errors the first one is told."""
    there, facts = sight.facts.maintenance, sight.facts
    try:
        _load(sight, front, there.text(front.hints.maintenance, facts.now) if there else "")
    finally:
        if there:
            state.begin_maintenance(sight.host, there)
        else:
            state.end_maintenance(sight.host)
