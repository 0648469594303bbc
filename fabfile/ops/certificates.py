"""Certificates: what each server has, what it serves, and for how long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..model.errors import FAILED, Trouble
from ..remote.certificates import see
from .session import Session, side_by_side
from .sight import DEPLOYED, look_at


def status(session: Session, *, as_json: bool) -> None:
    """Show the certificate of every server; exit code 1 when something is wrong with one."""
    names = [server.name for server in session.inventory.servers]
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
    sight = look_at(session, name, DEPLOYED)
    server = sight.server
    wanted = list(server.domains or (server.address,))
    proxy = sight.target.stack.proxy if sight.target else None
    gates = proxy.hints.gates if proxy else ()
    urls = [urlsplit(gate.url.replace("{address}", server.address)) for gate in gates]
    ports = sorted({url.port or 443 for url in urls if url.scheme == "https"})
    return see(sight.host, wanted, ports).view(wanted, sight.facts.now)


def _show(session: Session, name: str, found: Mapping[str, Any]) -> None:
    console = session.console
    if found["ends"] is None:
        console.line(name, "no certificate")
        return
    day = time.strftime("%Y-%m-%d", time.gmtime(found["ends"]))
    issuer = "self-made" if found["self_made"] else f"by {found['issuer']}"
    console.line(name, f"until {day}, {found['days']} days; {issuer}", "bold")
    console.line(name, f"for {', '.join(found['names'])}")
    for place, serial in found["served"].items():
        console.line(name, f"{place} serves {serial or 'nothing'}")
