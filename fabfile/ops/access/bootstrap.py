"""Bootstrap: make a bare host a server that can be deployed to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ...model.access.bootstrap import decide
from ...model.access.firewall import openings
from ...model.access.machine import Machine
from ...model.access.setup import Setup, Step
from ...model.errors import Trouble, Unwelcome, refused
from ...model.inventory import Server
from ...remote.access import bootstrap as remote
from ...remote.dry import DryHost
from ...remote.host import Host
from ...ui.console import WARNING
from ..deploy.show import NUMBERED, show_command
from ..interruption import interruptible
from ..session import Session, side_by_side

ROOT = "root"
"""Who logs in where the user that deploys is not let in yet, or may not use sudo."""
PROOF = 30
"""Seconds within which a new login must come about; the host itself waits for a minute."""
AGAIN = "what was done stays done; run it again to do the rest"


@dataclass(frozen=True)
class Seen:
    """A host, and what makes it a server."""

    host: Host
    setup: Setup


def bootstrap(
    session: Session, names: Sequence[str], user: str, *, yes: bool, dry_run: bool
) -> None:
    """Make hosts servers, side by side. Off a terminal, or with ``yes``, nobody is asked.

    ``user``: who logs in; empty: the one of hosts.ini, or root where that one is not let in.
    Exit codes: 0 done, or nothing to do; 1 failed, and may be run again; 2 nothing was done.
    """
    seen = _look_at_all(session, names, user)
    _show(session, seen)
    if dry_run:
        for name in names:
            _rehearse(session, seen[name])
        return
    changing = [name for name in names if seen[name].setup.steps]
    if not changing:
        return
    if session.console.interactive and not yes:
        if not session.console.confirm("Go ahead?"):
            raise refused("nothing was changed: the answer was no")
        again = _look_at_all(session, changing, user)
        if any(again[name].setup.steps != seen[name].setup.steps for name in changing):
            raise refused("a host changed after the plan was shown; run the command again")
    stopped = Trouble(f"stopped by a second Ctrl-C; {AGAIN}")
    with interruptible(session, lambda: stopped) as pause:
        side_by_side(lambda name: _set_up(session, name, seen[name], pause), changing)


def _look_at_all(session: Session, names: Sequence[str], user: str) -> dict[str, Seen]:
    """Exit code 2 with everything that speaks against it, before the first change of any host."""
    seen = side_by_side(lambda name: _look_at(session, name, user), names)
    found = [f"{name}: {text}" for name, one in seen.items() for text in one.setup.refusals]
    if found:
        raise refused(found[0], found[1:])
    return seen


def _look_at(session: Session, name: str, user: str) -> Seen:
    server = session.inventory.server(name)
    if server.connection == "local":
        raise refused(f"{name}: connection = local: a host is set up from another machine")
    opened = openings(session.inventory, server)
    with session.console.waiting(name, "look"):
        host, machine = _enter(session, server, user)
        key, pinned = remote.public_half(server), remote.pinned(server)
        kinds = remote.host_keys(server)
        return Seen(host, decide(server, machine, key, pinned, opened, kinds))


def _enter(session: Session, server: Server, user: str) -> tuple[Host, Machine]:
    """Log in as somebody who may do everything there, and look."""
    found: list[Unwelcome] = []
    for one in dict.fromkeys([user] if user else [server.user, ROOT]):
        try:
            host = session.host(server.name, one)
            return host, remote.look(host, server)
        except Unwelcome as unwelcome:
            found.append(unwelcome)
    first, *others = found
    if not others:
        raise first
    raise refused(f"{first.message}; nor is {ROOT} let in: --user names who is")


def _show(session: Session, seen: dict[str, Seen]) -> None:
    console = session.console
    for name, one in seen.items():
        steps = one.setup.steps
        if not steps:
            console.line(name, "nothing to do: it has all that a server needs", "bold")
        else:
            console.line(name, f"plan, as {one.host.server.user}", "bold")
        for number, step in enumerate(steps, start=1):
            console.line(name, f"  {number:2}. {step.title}: {step.reason}", hang=NUMBERED)
        _warn(session, name, one.setup)


def _warn(session: Session, name: str, setup: Setup) -> None:
    for note in setup.notes:
        session.console.warn(name, note, hang=len(WARNING))


def _rehearse(session: Session, seen: Seen) -> None:
    """Go through the steps with a host that tells every change and makes none."""
    host = DryHost(seen.host, partial(show_command, session.console, whole=False))
    for step in seen.setup.steps:
        remote.perform(host, session.inventory.server(host.name), step)


def _set_up(session: Session, name: str, seen: Seen, pause: Callable[[], None]) -> None:
    server = session.inventory.server(name)
    for step in seen.setup.steps:
        _pause(name, pause)
        with session.console.step(name, step.title):
            remote.perform(seen.host, server, step)
            if step.proved:
                _prove(session, seen.host, step)
    _pause(name, pause)
    # By a connection of its own: what was given to that user holds from the next login on.
    left = _look_at(session, name, server.user).setup
    if left.steps:
        told = ", ".join(step.title for step in left.steps)
        raise Trouble(f"{name}: done, but not there when looked at again: {told}")
    known = {*seen.setup.notes}
    _warn(session, name, Setup((), tuple(note for note in left.notes if note not in known), ()))
    session.console.line(name, f"ready: {server.user} may log in and deploy", "bold")


def _prove(session: Session, host: Host, step: Step) -> None:
    """Log in anew before the way in that is known to work is closed; undo the step otherwise."""
    server = session.inventory.server(host.name)
    said: list[str] = []

    def lets_in() -> bool:
        """A server that loads its settings anew answers nobody for a moment."""
        try:
            session.log_in(host.name)
        except Unwelcome:
            raise
        except Trouble as trouble:
            said.append(trouble.message)
            return False
        return True

    try:
        host.wait("a new login", lets_in, PROOF)
    except Trouble as trouble:
        remote.undo(host, server, step)
        what = f"{step.title}: taken back, since nobody could log in any more"
        evidence = (*said[-1:], trouble.message)
        raise Trouble(f"{host.name}: {what}", evidence=evidence) from None
    remote.keep(host, server, step)


def _pause(name: str, pause: Callable[[], None]) -> None:
    try:
        pause()
    except Trouble as trouble:
        raise Trouble(f"{name}: {trouble.message}; {AGAIN}") from None
