"""The firewall: which ports of a server are open, also those that the engine publishes.

The engine's own rules let everybody reach what a container publishes. Ours stand in a table of
their own, which the engine never touches: what one table drops, no other one lets pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from ..inventory import Inventory, Server
from .machine import Machine
from .setup import Step

RULES = """\
#!/usr/sbin/nft -f
# Written by bootstrap: the open ports of this server. Loaded whole, in place of what was there.
table inet wishwithme
delete table inet wishwithme
table inet wishwithme {
	chain open {
		%s
	}
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname { "lo", "docker0" } accept
		iifname "br-*" accept
		meta l4proto { icmp, ipv6-icmp } accept
		udp dport { 68, 546 } accept
		jump open
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state established,related accept
		iifname "docker0" accept
		iifname "br-*" accept
		ct status dnat jump open
		ct status dnat drop
		oifname "docker0" drop
		oifname "br-*" drop
	}
}
"""
"""Ports are as the client asked for them: those of a container may be others."""


@dataclass(frozen=True)
class Opening:
    """What one server of a host leaves open there."""

    server: Server
    callers: Sequence[Server] = ()
    """The servers whose services call this one."""

    def sources(self) -> tuple[str, ...]:
        """Who may ask; empty: everybody. ValueError for a name in place of an address."""
        if not self.callers:
            return ()
        all_of_them = (*(one.address for one in self.callers), *self.server.allow)
        return tuple(str(ip_network(one)) for one in all_of_them)

    def __str__(self) -> str:
        ports = ", ".join(map(str, self.server.open_ports))
        return f"{ports} ({'callers only' if self.callers else 'everybody'})"


def openings(inventory: Inventory, server: Server) -> tuple[Opening, ...]:
    """Those of all servers on the same host: it has one firewall."""
    place = (server.host, server.port, server.gateway)
    return tuple(
        Opening(one, inventory.callers_of(one.name))
        for one in inventory.servers
        if (one.host, one.port, one.gateway) == place and one.open_ports
    )


def firewall(opened: Sequence[Opening], machine: Machine) -> Iterator[Step]:
    """The step that sets it up, where it is not as it should be."""
    if machine.ufw:
        return
    wanted = rules(machine.ports, [(one.server.open_ports, one.sources()) for one in opened])
    if machine.firewall == wanted and not machine.pending:
        return
    told = ", ".join(map(str, opened))
    reason = f"there is none; leaves open {told} and SSH"
    if machine.firewall:
        reason = f"it is another one than {told} and SSH"
    yield Step("firewall", "firewall", reason, stdin=wanted, proved=True)


def rules(ssh: Sequence[int], opened: Sequence[tuple[Sequence[int], Sequence[str]]]) -> str:
    """The file that nft loads. ``opened``: ports, and who may ask there (nobody named: all)."""
    found = [_rule(ssh, "")]
    for ports, who in opened:
        if not who:
            found.append(_rule(ports, ""))
        for family, mark in (("ip", "."), ("ip6", ":")):
            if chosen := [one for one in who if mark in one]:
                found.append(_rule(ports, f"{family} saddr {{ {', '.join(chosen)} }} "))
    return RULES % "\n\t\t".join(found)


def _rule(ports: Sequence[int], source: str) -> str:
    listed = ", ".join(map(str, sorted({*ports})))
    return f"meta l4proto tcp ct original proto-dst {{ {listed} }} {source}accept"
