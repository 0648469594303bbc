"""The firewall: which ports of a server are open, also those that the engine publishes.

The engine's own rules let everybody reach what a container publishes. Ours stand in a table of
their own, which the engine never touches: what one table drops, no other one lets pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from ..inventory import Server
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


def firewall(server: Server, callers: Sequence[Server], machine: Machine) -> Iterator[Step]:
    """The step that sets it up, where ``open_ports`` asks for one and it is not as it should be."""
    if not server.open_ports or machine.ufw:
        return
    wanted = rules(machine.ports, server.open_ports, sources(server, callers))
    if machine.firewall == wanted and not machine.pending:
        return
    ports = ", ".join(map(str, server.open_ports))
    whom = "callers only" if callers else "everybody"
    reason = f"there is none; leaves open {ports} ({whom}) and SSH"
    if machine.firewall:
        reason = f"it is another one than {ports} ({whom}) and SSH"
    yield Step("firewall", "firewall", reason, stdin=wanted, proved=True)


def sources(server: Server, callers: Sequence[Server]) -> tuple[str, ...]:
    """Who may ask at the open ports; empty: everybody. ValueError for a name in place of one."""
    if not callers:
        return ()
    return tuple(str(ip_network(one)) for one in (*(c.address for c in callers), *server.allow))


def rules(ssh: Sequence[int], ports: Sequence[int], who: Sequence[str]) -> str:
    """The file that nft loads. ``who``: see :func:`sources`."""
    found = [_rule(ssh, "")]
    if not who:
        found.append(_rule(ports, ""))
    for family, mark in (("ip", "."), ("ip6", ":")):
        if chosen := [one for one in who if mark in one]:
            found.append(_rule(ports, f"{family} saddr {{ {', '.join(chosen)} }} "))
    return RULES % "\n\t\t".join(found)


def _rule(ports: Sequence[int], source: str) -> str:
    listed = ", ".join(map(str, sorted({*ports})))
    return f"meta l4proto tcp ct original proto-dst {{ {listed} }} {source}accept"
