"""What would make a first deploy red, asked before it: ports from outside, memory, cron."""

from __future__ import annotations

from ...model.deploy.budget import scanty
from ...model.schedule.jobs import NO_DAEMON
from ...remote.access import knocking
from ..session import Session
from ..sight import Sight

LOCAL = ("127.", "::1")
"""How the addresses of this machine alone begin."""


def beforehand(session: Session, sight: Sight) -> list[str]:
    """Warnings for a server on which nothing has been deployed yet."""
    found = [NO_DAEMON] if sight.facts.cron == "no" and not sight.facts.jobs else []
    if sight.target is None:
        return found
    found += scanty(sight.target, sight.facts)
    ports = asked_ports(session, sight)
    closed = knocking.unreached(sight.host, ports, sudo=sight.facts.sudo)
    return found + [
        f"port {port} is not reached from here ({why}): let it through the provider's firewall;"
        " the server's own may only keep this test out, Docker publishes past it"
        for port, why in closed.items()
    ]


def asked_ports(session: Session, sight: Sight) -> list[int]:
    """The ports that the stack will publish to everybody, and that nobody listens at yet.

    None of a server that only others call, of one that is this machine, behind an ``edge``, or
    behind a jump host without an ``address`` of its own.
    """
    server = sight.server
    if sight.target is None or server.connection == "local" or server.edge:
        return []
    if session.inventory.callers_of(server.name) or not server.outside:
        return []
    return sorted(
        {
            port.published
            for service in sight.target.stack.services
            for port in service.ports
            if port.protocol == "tcp"
            and not port.address.startswith(LOCAL)
            and not sight.facts.listening.intersection(port.choices)
        }
    )
