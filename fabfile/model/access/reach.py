"""Reach: which networks of compose projects the local users of a server can reach."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE = re.compile(r"(subnet|closed)=([^|]+)\|(\S+)")
SUFFIX = "-guard"
LONGEST = 20
"""Letters of a project's name in the name of its rules."""


@dataclass(frozen=True)
class Reach:
    """What a look saw of networks, and of the firewall's rules for them."""

    subnets: tuple[tuple[str, str], ...]
    """Project and subnet of each network."""
    closed: frozenset[tuple[str, str]]
    """Name of the rules, and subnet that they close."""
    hooks: frozenset[str]
    """Names of the rules that are asked at all."""
    guarded: bool
    """Whether the firewall can be asked, and so be told."""

    def has_network(self, project: str) -> bool:
        """Whether a project has a network yet."""
        return any(owner == project for owner, _ in self.subnets)

    def open(self, project: str) -> list[str]:
        """The project's subnets that every local user reaches."""
        rules = project[:LONGEST] + SUFFIX
        return [
            subnet
            for owner, subnet in self.subnets
            if owner == project and not (rules in self.hooks and (rules, subnet) in self.closed)
        ]


def parse(text: str) -> Reach:
    """Read the section ``reach`` of ``remote/look.sh``."""
    found: dict[str, list[tuple[str, str]]] = {"subnet": [], "closed": []}
    lines = text.split("\n")
    for match in filter(None, map(LINE.fullmatch, lines)):
        found[match[1]].append((match[2], match[3]))
    hooks = frozenset(line.removeprefix("hook=") for line in lines if line.startswith("hook="))
    return Reach(
        tuple(sorted(found["subnet"])), frozenset(found["closed"]), hooks, "rules=yes" in lines
    )


def why_closed(reach: Reach | None, project: str, *, made_here: bool = False) -> str:
    """Why a deploy must set the firewall's rules; empty: it need not, or cannot.

    ``made_here``: asked for networks that this deploy makes itself, once they are there.
    """
    if reach is None or not reach.guarded:
        return ""
    if not reach.has_network(project):
        return "no other user of the server is to reach what is started, at its address"
    left = [] if made_here else reach.open(project)
    return f"every user of the server reaches {', '.join(left)}" if left else ""


def warnings(reach: Reach | None, project: str) -> list[str]:
    """What a deploy cannot close; what it can is a step of its plan."""
    if reach is None or reach.guarded or not (left := reach.open(project)):
        return []
    where = ", ".join(left)
    remedy = "a deploy closes them where there is iptables, and sudo without a password"
    return [f"every user of this server reaches the containers of {where}; {remedy}"]
