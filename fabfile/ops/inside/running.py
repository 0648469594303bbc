"""Run a command in a container of what runs, tied to the terminal or the pipes of who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...model.errors import Trouble, refused
from ...model.facts import Container
from ...model.inside.choosing import chosen, meant
from ...model.stack import Service, Stack
from ...remote.inside import commands
from ...remote.inside.attached import LOST, Watch, attach
from ...remote.inside.commands import Started
from ...remote.inside.here import Here
from ..session import Session
from ..sight import DEPLOYED, Sight, look_at


@dataclass(frozen=True)
class Place:
    """What runs on a server, as somebody sees it who wants to run a command there."""

    sight: Sight
    stack: Stack

    def replica(self, service: Service, number: int | None) -> Container:
        """See :func:`~fabfile.model.inside.choosing.chosen`."""
        name, facts = self.sight.server.name, self.sight.facts
        return chosen(name, self.stack.project, service, facts, number)


def execute(
    session: Session, name: str, service: str, replica: int | None, words: Sequence[str]
) -> int:
    """Run words in a running container of a service; their exit code.

    Exit code 2 where there is no such container, before anything is run: with a line on standard
    error that begins with ``error:``, as the words' own exit code 2 has not.
    """
    here = Here()
    place = _place(session, name)
    container = place.replica(place.stack.service(service), replica)
    started = commands.executed(container.id, words, terminal=here.terminal)
    return _run(session, place, here, started, container.name)


def console(session: Session, name: str, what: str, replica: int | None) -> int:
    """Open the console of the database, of Redis, or of a service; its exit code."""
    here = Here()
    place = _place(session, name)
    service = meant(name, place.stack, what)
    container = place.replica(service, replica)
    base = service.hints.database
    words = commands.console([base.user, base.name, base.password] if base else [])
    started = commands.executed(container.id, words, terminal=here.terminal)
    return _run(session, place, here, started, container.name)


def once(session: Session, name: str, service: str, words: Sequence[str]) -> int:
    """Run words in a container of its own, of the release that runs; their exit code."""
    here = Here()
    place = _place(session, name)
    wanted = place.stack.service(service).name
    if not place.sight.deployed:
        raise refused(f"{name}: no release has passed yet; deploy first")
    started = commands.once(
        place.sight.host, place.stack.project, wanted, words, terminal=here.terminal
    )
    what = f"a container of its own of {wanted}"
    return _run(session, place, here, started, what)


def _place(session: Session, name: str) -> Place:
    sight = look_at(session, name, DEPLOYED)
    target = sight.target or sight.require()
    return Place(sight, target.stack)


def _run(session: Session, place: Place, here: Here, started: Started, where: str) -> int:
    host, facts = place.sight.host, place.sight.facts
    if here.terminal:
        session.console.line(host.name, f"in {where}")
        if facts.maintenance:
            session.console.line(host.name, str(facts.maintenance))
    told = session.journal.about(host.name)
    told.note = f"in {where}"
    watch = Watch(host, started.kind, started.container, started.token)
    try:
        told.code = attach(host, started.words, watch, here)
    except Trouble as trouble:
        if trouble.code == LOST:
            session.drop(host.name)  # another connection may come about, for the journal
        raise
    return told.code
