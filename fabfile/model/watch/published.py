"""Which ports of a server are to be reached from outside, and which are not."""

from __future__ import annotations

from ..deploy.plan import Target
from ..facts import Facts
from ..inventory import Server

LOCAL = ("127.", "::1")
"""How the addresses of the server alone begin."""
SSH = 22
TCP = "/tcp"


def to_everybody(target: Target) -> dict[int, list[str]]:
    """The first port of each that the stack publishes over TCP, and all that it may be."""
    return {
        port.published: port.choices
        for service in target.stack.services
        for port in service.ports
        if port.protocol == "tcp" and not port.address.startswith(LOCAL)
    }


def unexpected(server: Server, target: Target, facts: Facts) -> dict[int, str]:
    """The ports that somebody has there whom neither the stack nor hosts.ini names, and who.

    Also of those that listen at the loopback address alone: only connecting tells.
    """
    named = {port for choices in to_everybody(target).values() for port in choices}
    named |= {f"{port}{TCP}" for port in (SSH, server.port, *server.open_ports)}
    holders = {port: one.name for one in facts.containers for port in one.published}
    found = {*facts.listening, *holders} - named
    return {
        int(port.removesuffix(TCP)): holders.get(port, "a process")
        for port in sorted(found)
        if port.endswith(TCP)
    }
