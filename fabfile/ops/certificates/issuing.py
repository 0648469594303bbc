"""Certificates that an authority issues: the first one, and their renewal."""

from __future__ import annotations

from ...model.certificates.certificate import Sighting, ends, serial
from ...model.certificates.chain import DAY
from ...model.errors import FAILED, Trouble, refused
from ...remote.certificates import acme
from ...remote.look import require_programs
from ..session import Session, side_by_side
from . import internal
from .certificates import public_server
from .serving import Place, place_of, put_issued


def issue(session: Session, name: str) -> None:
    """Get a certificate for a server's domains and serve it, whatever was served before.

    ``name`` may be empty: then it is the only server that has domains.
    """
    name = public_server(session, name)
    place = place_of(session, name)
    if not place.sight.server.domains:
        raise refused(f"{name}: hosts.ini names no domains for it")
    if not place.sight.deployed:
        raise refused(f"{name}: nothing is deployed that could answer the authority: fab deploy")
    require_programs(place.host, acme.PROGRAMS)
    _obtain(session, place, force=False)
    seen = place.see()
    if seen.shows(seen.issued):
        session.console.line(name, f"certificate {_told(seen)} is served already")
    else:
        put_issued(session, place, seen)


def renew(session: Session, name: str, *, force: bool, quiet: bool) -> None:
    """Renew what is due on one server, or on all; what was renewed without us is served too.

    With ``quiet`` nothing is shown when all is well.
    """
    if quiet:
        session.console.hush()
    names = [name] if name else [server.name for server in session.inventory.servers]

    def one(name: str) -> None:
        if session.inventory.callers_of(name):
            internal.renew(session, name, force=force)
        else:
            _renew(session, name, force=force)

    side_by_side(one, names)


def _renew(session: Session, name: str, *, force: bool) -> None:
    place = place_of(session, name)
    seen = place.see()
    if why := _not_ours(place, seen):
        session.console.line(name, why)
        return
    require_programs(place.host, acme.PROGRAMS)
    failure: Trouble | None = None
    try:
        _obtain(session, place, force=force)
    except Trouble as trouble:
        failure = trouble
    seen = place.see()
    if seen.is_behind:
        put_issued(session, place, seen)
    elif not failure:
        session.console.line(name, f"nothing is due: certificate {_told(seen)}")
        session.journal.nothing(name)
    if failure:
        days = int((ends(seen.pem) - seen.now) // DAY)
        served = f"the former one is served, {days} days more"
        raise Trouble(f"{failure.message}; {served}", code=FAILED, evidence=failure.evidence)


def _not_ours(place: Place, seen: Sighting) -> str:
    """Why there is nothing to renew; empty when there is.

    :class:`Trouble` when somebody's own certificate is on disk, and something is wrong with it.
    """
    name = place.host.name
    if seen.is_own and (ending := seen.ending):
        raise Trouble(
            f"{name}: the certificate is one of your own, and {ending[0]}: fab ssl.install"
        )
    if not seen.issued:
        return "nothing to renew: no authority gave a certificate; fab ssl.issue asks for one"
    if not seen.is_own:
        return ""
    if not seen.shows(seen.pem):
        raise Trouble(
            f"{name}: the certificate on disk was put there by hand, and is not the one that is"
            " served: fab ssl.install checks and loads one"
        )
    return f"nothing to renew: certificate {serial(seen.pem)} is one of your own"


def _obtain(session: Session, place: Place, *, force: bool) -> None:
    name = place.host.name
    with session.console.step(name, f"ask {place.sight.server.acme_directory}"):
        acme.obtain(place.host, force=force)


def _told(seen: Sighting) -> str:
    return f"{serial(seen.issued)} ends in {int((ends(seen.issued) - seen.now) // DAY)} days"
