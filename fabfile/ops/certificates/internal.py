"""The link between servers: a private authority of the called one, which its callers trust."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress

from ...model.certificates.authority import Due, due
from ...model.certificates.certificate import Sighting, anchor, serial
from ...model.errors import STRANDED, Trouble, as_trouble, refused
from ...remote import state
from ...remote.certificates import authority
from ...remote.lock import Lock
from .. import gates
from ..locking import holder
from ..session import Session
from ..sight import DEPLOYED, Sight, look_at
from .serving import Place, place_of, put_issued

IN_CLEAR = "it is asked in clear, so its proxy serves no certificate"


def secure(session: Session, name: str) -> None:
    """Have a server that is called serve a certificate of its private authority.

    The authority is made where there is none. Its callers trust the former certificate and the new
    authority until the link is proved, and then the authority alone; nothing due changes nothing.
    ``name`` may be empty: then it is the only server that is called.
    """
    name = name or _called_server(session)
    if not session.inventory.callers_of(name):
        raise refused(f"{name}: no server of hosts.ini calls it; fab ssl.issue is for domains")
    place = place_of(session, name)
    if not place.sight.deployed:
        raise refused(f"{name}: nothing is deployed that could serve a certificate: fab deploy")
    if not place.ports:
        raise refused(f"{name}: {IN_CLEAR}")
    _bring(session, place, place.see(), force=False, alone=False)


def renew(session: Session, name: str, *, force: bool) -> None:
    """Renew the certificate of a server that is called, when it is due."""
    place = place_of(session, name)
    seen = place.see()
    if not place.ports:
        session.console.line(name, f"nothing to renew: {IN_CLEAR}")
        return
    if not seen.issued:
        line = "nothing to renew: self-made; fab ssl.internal makes a private authority"
        session.console.line(name, line)
        return
    _bring(session, place, seen, force=force, alone=True)


def _bring(session: Session, place: Place, seen: Sighting, *, force: bool, alone: bool) -> None:
    """Make what is due, have every caller trust it, and have it served.

    ``alone``: where the callers trust the authority already, leave them in peace.
    """
    host, console = place.host, session.console
    found = due(authority.certificate(host), seen, place.wanted, force=force)
    if found:
        with console.step(host.name, _title(found)):
            authority.make(host, place.wanted, found)
        seen = place.see()
    anchored = anchor(seen.issued)
    known = alone and anchor(seen.pem) == anchored
    callers = [] if known else _callers(session, host.name)
    if any(caller.facts.trust.strip() != anchored for caller in callers):
        _introduce(session, place, seen, callers, anchored)
    elif seen.shows(seen.issued):
        console.line(host.name, f"nothing is due: certificate {serial(seen.issued)}")
    else:
        put_issued(session, place, seen, lambda: _prove(session, place, callers))


def _introduce(
    session: Session, place: Place, seen: Sighting, callers: Sequence[Sight], anchored: str
) -> None:
    """Serve a certificate of an authority that is new to the callers, without a gap.

    Until the new one alone is proved they trust both; whatever fails, they trust what they did.
    """
    with ExitStack() as locks:
        for caller in callers:
            locks.enter_context(Lock(caller.host, holder(), though_frozen=True))
        try:
            _trust(session, callers, anchored, besides=True)
            alone = lambda: _prove_alone(session, place, callers, anchored)  # noqa: E731
            put_issued(session, place, seen, alone)
        except BaseException as error:
            _trust_as_before(place, callers, as_trouble(error))
            raise


def _prove_alone(session: Session, place: Place, callers: Sequence[Sight], anchored: str) -> None:
    """Prove the link while the callers trust both, then while they trust the new one alone."""
    _prove(session, place, callers)
    try:
        _trust(session, callers, anchored, besides=False)
        _prove(session, place, callers)
    except BaseException:
        # The former certificate is about to be served again; who cannot be told now is told later.
        with suppress(Trouble):
            _trust(session, callers, anchored, besides=True)
        raise


def _trust(session: Session, callers: Sequence[Sight], anchored: str, *, besides: bool) -> None:
    for caller in callers:
        title = "trust the new authority too" if besides else "trust the new authority alone"
        with session.console.step(caller.server.name, title):
            former = f"{caller.facts.trust.strip()}\n" if besides else ""
            state.trust(caller.host, f"{former}{anchored}")


def _trust_as_before(place: Place, callers: Sequence[Sight], cause: Trouble) -> None:
    for caller in callers:
        try:
            state.trust(caller.host, caller.facts.trust)
        except Trouble as second:
            name, called = caller.server.name, place.host.name
            raise Trouble(
                f"{name} may trust another authority than that of {called}:"
                f" fab {name}.deploy lets it trust what {called} has",
                code=STRANDED,
                evidence=(cause.message, *cause.evidence, second.message),
            ) from None


def _prove(session: Session, place: Place, callers: Sequence[Sight]) -> None:
    """The link, asked by a service of each caller that has one."""
    for caller in callers:
        with session.console.step(caller.server.name, f"prove the link to {place.host.name}"):
            red = [verdict for verdict in gates.link_from(caller) if not verdict.ok]
            if red:
                raise Trouble(f"{caller.server.name}: the link is red", evidence=[red[0].why])


def _callers(session: Session, name: str) -> list[Sight]:
    """The servers that call this one and have something deployed that does."""
    sights = [look_at(session, one.name, DEPLOYED) for one in session.inventory.callers_of(name)]
    return [sight for sight in sights if sight.deployed]


def _title(found: Due) -> str:
    if found.authority:
        return f"make a private authority and a certificate ({found.authority})"
    return f"sign a new certificate ({found.certificate})"


def _called_server(session: Session) -> str:
    servers = session.inventory.servers
    found = [server.name for server in servers if session.inventory.callers_of(server.name)]
    if len(found) != 1:
        raise refused(f"{len(found)} servers of hosts.ini are called: name one with --server")
    return found[0]
