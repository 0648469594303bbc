"""The ports of a server as this machine reaches them: what it should, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...model.inventory import Server
from ...model.watch.published import LOCAL, to_everybody, unexpected
from ...remote.access import knocking
from ..session import Session
from ..sight import Sight

MOST = 200
"""Ports that are tried of those that nobody named."""


def from_here(session: Session, sight: Sight) -> tuple[list[str], str | None]:
    """What this machine does not reach, or reaches and should not; and what else is told.

    None: nothing was tried. A port that nobody has yet is held by a listener for a moment.
    """
    server, facts = sight.server, sight.facts
    wanted = _wanted(session, sight)
    free = sorted(port for port, held in wanted.items() if not facts.listening.intersection(held))
    closed: Mapping[int, str] = {}
    if free and not sight.deployed:
        closed = knocking.unreached(sight.host, free, sudo=facts.sudo)
    held = [port for port in wanted if port not in free]
    open_ones = knocking.answering(server.outside, held)
    closed = {**closed, **{port: "no answer" for port in held if port not in open_ones}}
    asked = sight.target is not None and _is_outside(server)
    strange = unexpected(server, sight.target, facts) if sight.target and asked else {}
    told = [*map(_unreached, sorted(closed.items())), *_strange(server, strange)]
    return told, _well(wanted) if wanted or asked else None


def _wanted(session: Session, sight: Sight) -> dict[int, list[str]]:
    """The ports that the stack publishes to everybody.

    None of a server that only others call, of one that is this machine, behind an ``edge``, or
    behind a jump host without an ``address`` of its own.
    """
    server = sight.server
    if sight.target is None or server.connection == "local" or server.edge:
        return {}
    if session.inventory.callers_of(server.name) or not server.outside:
        return {}
    return to_everybody(sight.target)


def _is_outside(server: Server) -> bool:
    """Whether this machine comes to the server from outside of it."""
    local = server.connection == "local" or server.outside.startswith(LOCAL)
    return bool(server.outside) and not local


def _strange(server: Server, ports: Mapping[int, str]) -> Iterable[str]:
    tried = sorted(ports)[:MOST]
    for port in knocking.answering(server.outside, tried):
        yield (
            f"port {port} of {ports[port]} is reached from here, and neither the stack nor"
            " open_ports in hosts.ini names it: close it in the provider's firewall, or have it"
            " listen at 127.0.0.1"
        )


def _unreached(closed: tuple[int, str]) -> str:
    port, why = closed
    return (
        f"port {port} is not reached from here ({why}): let it through the provider's firewall;"
        " the server's own may only keep this test out, Docker publishes past it"
    )


def _well(ports: Iterable[int]) -> str:
    reached = ", ".join(map(str, sorted(ports)))
    return f"reached from here: {reached or 'SSH'}, and nothing else"
