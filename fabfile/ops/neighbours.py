"""The servers around one: the server that it calls and the servers that call it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ..model.errors import REFUSED, Trouble, refused
from ..model.facts import Facts
from ..remote import state
from ..remote.host import Host
from ..remote.look import look
from .gates import LINK
from .locking import held
from .session import Session, side_by_side
from .sight import DEPLOYED, Sight, look_at


@dataclass(frozen=True)
class Neighbours:
    """What a look at the servers around showed; without those that are waived."""

    called: Sight | None = None
    """None: it calls none."""
    callers: tuple[Sight, ...] = ()

    @property
    def called_certificate(self) -> str:
        """What this server must trust to trust the one that it calls."""
        return self.called.facts.anchor if self.called else ""

    def untold(self, anchored: str) -> list[Sight]:
        """The callers that trust something else of this server than its certificate, if any."""
        return [one for one in self.deployed_callers if _differ(one.facts.trust, anchored)]

    @property
    def deployed_callers(self) -> list[Sight]:
        """The callers that have a release which passed."""
        return [one for one in self.callers if one.deployed]

    def share_certificates(self, host: Host, facts: Facts) -> list[str]:
        """Let each caller trust the server which it calls by the certificate that this has now.

        One made after the callers' plans, on a first deploy of both, is new to them here. Who holds
        or froze a caller keeps it as it is: why each of those was not told.
        """
        if self.called and _differ(facts.trust, self.called.facts.anchor):
            state.trust(host, self.called.facts.anchor)
        why = []
        for caller in self.untold(facts.anchor):
            try:
                with held(caller.host):
                    state.trust(caller.host, facts.anchor)
            except Trouble as trouble:
                if trouble.code != REFUSED:
                    raise
                told = f"{trouble.message}; it is not told to trust the certificate of {host.name}"
                why.append(told)
        return why


def _differ(trusted: str, anchored: str) -> bool:
    return bool(anchored) and anchored.strip() != trusted.strip()


def look_around(session: Session, name: str, waive: Sequence[str]) -> Neighbours:
    """Look at the servers around ``name`` as they are now, side by side.

    Of the one that it calls only the facts: what its commit says proves nothing. One that cannot be
    reached means that the link cannot be proved: exit code 2 unless the link is waived by name.
    """
    called = session.inventory.server(name).calls

    def seen(other: str) -> Sight | None:
        looking = _facts_alone if other == called else _at_what_runs
        return _seen(session, name, other, waive, looking)

    return around(session, name, side_by_side(seen, others(session, name)))


def look_at_others(
    session: Session, name: str, waive: Sequence[str], but: Collection[str] = ()
) -> dict[str, Sight | None]:
    """Look at the servers around ``name`` but for ``but``, by name, and at what they run."""
    near = [other for other in others(session, name) if other not in but]
    return side_by_side(lambda other: _seen(session, name, other, waive, _at_what_runs), near)


def around(session: Session, name: str, sights: Mapping[str, Sight | None]) -> Neighbours:
    """Those of the ``sights`` that are of the servers around ``name``."""
    callers = (sights.get(one.name) for one in session.inventory.callers_of(name))
    called = session.inventory.server(name).calls
    return Neighbours(sights.get(called), tuple(one for one in callers if one))


def others(session: Session, name: str) -> list[str]:
    """The server that this one calls, and those that call it."""
    called = session.inventory.server(name).calls
    callers = [one.name for one in session.inventory.callers_of(name)]
    return [called, *callers] if called else callers


def _at_what_runs(session: Session, other: str) -> Sight:
    return look_at(session, other, DEPLOYED)


def _facts_alone(session: Session, other: str) -> Sight:
    host = session.host(other)
    return Sight(host, look(host), {}, None)


def _seen(
    session: Session,
    name: str,
    other: str,
    waive: Sequence[str],
    looking: Callable[[Session, str], Sight],
) -> Sight | None:
    try:
        return looking(session, other)
    except Trouble as trouble:
        if LINK in waive:
            session.console.warn(name, f"{trouble.message}; the link is not proved (waived)")
            return None
        raise refused(
            f"{trouble.message}; without it the link to {name} cannot be proved:"
            f" --waive {LINK} deploys all the same",
            trouble.evidence,
        ) from None
