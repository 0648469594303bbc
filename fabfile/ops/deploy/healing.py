"""Healing: a replica that stays unhealthy is restarted, so many times an hour."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...model.errors import Taken, Trouble
from ...model.facts import Container
from ...model.healing import Healing, parse_healing, waits
from ...model.stack import Service
from ...remote import state
from ...remote.deploy.compose import patience_with, start_again
from ...remote.host import Host
from ...remote.lock import Lock
from ..locking import holder
from ..session import Session
from ..sight import DEPLOYED, look_at
from ..telling import begun, ended, tell, urls_of


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
    session.journal.about(name).note = what
    try:
        with Lock(sight.host, holder()) as lock:
            lock.step(f"restart {ill.name}")
            # Before it: one that fails counts too, and is looked at for as long again.
            healed = Healing(seen.without(ill.id), (*seen.healed, facts.now))
            state.write_healing(sight.host, healed)
            _restart(session, sight.host, ill, target.stack.service(ill.service))
    except Taken as taken:
        session.journal.nothing(name)
        session.console.line(name, f"not now: {taken.message.removeprefix(f'{name}: ')}")


def _restart(session: Session, host: Host, ill: Container, service: Service) -> None:
    start, urls = time.monotonic(), urls_of(host.env)
    with session.console.step(host.name, f"restart {ill.name}"):
        start_again(host, ill.name, patience_with(service))
    done = ended(begun(f"healing of {ill.name}", (host.name,), "", "", ""), start)
    tell(session, {host.name: urls}, done.message)
