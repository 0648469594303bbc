"""Pinning the host key of a server: fetched, shown for comparison, and believed only then."""

from __future__ import annotations

from ...model.errors import refused
from ...remote.access import pins
from ...remote.access.connect import Bounded, opened
from ...remote.access.hops import Hop, hops
from ..session import Session

BEGINS = "SHA256:"


def pin(session: Session, name: str, fingerprint: str) -> None:
    """Add the key that a server shows to ``known_hosts``, once somebody has compared it.

    ``fingerprint``: the one that its own console shows; empty: a person is asked on a terminal.
    Exit code 2 where it is another one, or nobody can be asked.
    """
    server, console = session.inventory.server(name), session.console
    if fingerprint and not fingerprint.startswith(BEGINS):
        raise refused(f"--fingerprint is what ssh-keygen -lf shows: it begins with {BEGINS}")
    if server.connection == "local":
        raise refused(f"{name}: it is this machine (connection = local) and needs no host key")
    gateway, way = None, hops(server)
    for hop in way:
        made = _pin(session, hop, gateway, fingerprint)
        if hop is way[-1]:
            return
        if made and fingerprint:
            console.line(name, "now the same with the fingerprint of the server behind it")
            return
        gateway = opened(hop, session.passphrases(server), None)


def _pin(session: Session, hop: Hop, gateway: Bounded | None, fingerprint: str) -> bool:
    """Whether its key was pinned now; False: it was before."""
    name, console, file = hop.server.name, session.console, hop.server.known_hosts
    before = pins.pinned(hop)
    key = pins.fetch(hop, before, gateway)
    if before:
        if before.get(key.kind) == key:
            console.line(name, f"{hop.where}: {key.fingerprint} is pinned already; no change")
            return False
        raise refused(
            f"{name}: {hop.where} shows {key.fingerprint}, which is not the pinned key; if it was"
            f" really reinstalled: ssh-keygen -R '{hop.known_as}' -f {file}, then again"
        )
    console.line(name, f"{hop.where} shows {key.kind} {key.fingerprint}")
    console.line(name, f"its own console must show the same: {key.told}")
    _compare(session, name, key.fingerprint, fingerprint)
    pins.pin(hop, key)
    console.line(name, f"pinned in {file}", "bold")
    return True


def _compare(session: Session, name: str, shown: str, given: str) -> None:
    """Go on only where somebody says that this is the server's own key."""
    if given:
        if given.rstrip("=") != shown:
            raise refused(
                f"{name}: that is not the fingerprint that was given; nothing was pinned: somebody"
                " may stand between, or it is of another of the server's keys"
            )
    elif not session.console.interactive:
        raise refused(
            f"{name}: nothing was pinned; compare first, then:"
            f" fab hosts.pin {name} --fingerprint {shown}"
        )
    elif not session.console.confirm("Does it show the same?"):
        raise refused(f"{name}: nothing was pinned: the answer was no")
