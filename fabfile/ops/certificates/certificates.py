"""Certificates: what each server has and serves, for how long; and another one put there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...model.certificates.certificate import is_self_made, problems_of_pair, serial
from ...model.errors import FAILED, Trouble, refused
from ...remote.certificates import certificates
from ...remote.lock import Lock
from ..locking import holder
from ..session import Session, side_by_side
from .serving import exchange, place_of


def status(session: Session, group: str, *, as_json: bool) -> None:
    """Show the certificates of a group or of all; exit code 1 when something is wrong with one."""
    names = session.inventory.names_of(group)
    views = side_by_side(lambda name: view(session, name), names)
    if as_json:
        session.console.result(views)
    else:
        for name, found in views.items():
            _show(session, name, found)
    wrong = [f"{name}: {why}" for name, found in views.items() for why in found["problems"]]
    if wrong:
        raise Trouble("certificates need care", code=FAILED, evidence=wrong)


def view(session: Session, name: str) -> dict[str, Any]:
    """One server's certificate, as the stable JSON of ``docs/json.md``."""
    place = place_of(session, name)
    return place.see().view(place.wanted, place.sight.facts.now)


def install(session: Session, name: str, certificate: str, key: str) -> None:
    """Give a server another certificate: checked first, then loaded, then proved by what is served.

    ``name`` may be empty: then it is the only server that has domains. When it is not served, the
    former one is put back and served again (exit code 1), or a person is needed (3).
    """
    name = public_server(session, name)
    pem, secret = _text(certificate), _text(key)
    host = session.host(name)
    with Lock(host, holder(), though_frozen=True) as lock:
        place = place_of(session, name)
        if wrong := problems_of_pair(pem, secret, place.wanted, place.sight.facts.now):
            raise refused(f"{name}: this certificate cannot be used; nothing was changed", wrong)
        if is_self_made(pem):
            session.console.warn(name, "it is self-made: no browser trusts it")
        if place.see().shows(pem):
            session.console.line(name, f"certificate {serial(pem)} is served already")
            return
        exchange(session, lock, place, pem, lambda: certificates.put(host, pem, secret))


def public_server(session: Session, name: str) -> str:
    """The server that is meant, by default the only one that has domains; none that is called."""
    if not name:
        name = _server_with_domains(session)
    if callers := session.inventory.callers_of(name):
        raise refused(
            f"{name} is called by {callers[0].name}, which trusts a private authority:"
            f" fab ssl.internal makes and renews its certificate"
        )
    return name


def _server_with_domains(session: Session) -> str:
    found = [server.name for server in session.inventory.servers if server.domains]
    if len(found) != 1:
        raise refused(f"{len(found)} servers of hosts.ini have domains: name one with --server")
    return found[0]


def _text(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise refused(f"{file} cannot be read: {error}") from None


def _show(session: Session, name: str, found: Mapping[str, Any]) -> None:
    console = session.console
    if found["ends"] is None:
        console.line(name, "no certificate")
        return
    day = time.strftime("%Y-%m-%d", time.gmtime(found["ends"]))
    issuer = "self-made" if found["self_made"] else f"by {found['issuer']}"
    console.line(name, f"until {day}, {found['days']} days; {issuer}", "bold")
    console.line(name, f"for {', '.join(found['names'])}")
    for place, number in found["served"].items():
        console.line(name, f"{place} serves {number or 'nothing'}")
