"""Healing: a replica that stays unhealthy is replaced, by the road of a restart, so many times."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...model.errors import Taken, Trouble
from ...model.healing import Healing, parse_healing, waits
from ...remote import state
from ..session import Session
from ..sight import DEPLOYED, look_at
from ..telling import begun, ended, tell, urls_of
from .restart import restart


def heal(session: Session, names: Sequence[str]) -> None:
    """Look at servers and heal what has been unhealthy for long enough, a service each time."""
    for name in names:
        _heal(session, name)


def _heal(session: Session, name: str) -> None:
    sight = look_at(session, name, DEPLOYED)
    target = sight.target or sight.require()
    wanted, facts = target.stack.heal, sight.facts
    if wanted is None:
        session.console.line(name, "nothing is healed: x-deploy has no heal")
        return
    before = parse_healing(state.read_healing(sight.host))
    seen = before.seen(facts, target.stack)
    ill = None if waits(facts) else seen.due(facts, target.stack, wanted)
    if seen != before:
        state.write_healing(sight.host, seen)
    session.journal.nothing(name)
    if ill is None:
        return
    what = f"{ill.name} has been unhealthy for {facts.now - seen.unhealthy[ill.id]} s"
    if len(seen.healed) >= wanted.at_most:
        raise Trouble(
            f"{name}: {what}; {len(seen.healed)} were healed within the last hour, and at most"
            f" {wanted.at_most} are: a person is needed"
        )
    session.console.line(name, what)
    # Before it: one that fails counts too.
    healed = Healing(seen.unhealthy, (*seen.healed, facts.now))
    state.write_healing(sight.host, healed)
    session.journal.about(name).note = what
    _replace(session, name, ill.service)


def _replace(session: Session, name: str, service: str) -> None:
    start, urls = time.monotonic(), urls_of(session.host(name).env)
    try:
        restart(session, name, service, (), yes=True, wait=0)
    except Taken as taken:
        session.console.line(name, f"not now: {taken.message.removeprefix(f'{name}: ')}")
        return
    done = ended(begun(f"healing of {service}", (name,), "", "", ""), start)
    tell(session, {name: urls}, done.message)
