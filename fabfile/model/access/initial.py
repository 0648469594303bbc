"""What a server's first ``.env`` still needs, and which of it follows from ``hosts.ini``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..inventory import Server
from .comparing import linked, shared
from .envfile import Rule

BYTES = 32
"""Of a secret that is made: 64 letters as it is written."""


def needed(rules: Sequence[Rule], server: Server, values: Mapping[str, str]) -> list[Rule]:
    """The keys of a server that are required, or follow from hosts.ini, and have no value."""
    return [
        rule
        for rule in rules
        if rule.applies_to(*server.names)
        and not values.get(rule.key)
        and (rule.required or known(rule, server) not in ("", rule.default))
    ]


def known(rule: Rule, server: Server) -> str:
    """The value that hosts.ini gives a key; empty: it gives none."""
    said = {"COMPOSE_FILE": server.compose_file, "STATE_ROOT": str(server.root)}
    return said.get(rule.key) or (_site(server) if rule.domain else "")


def _site(server: Server) -> str:
    """The domain that all others stand below; empty: there is none."""
    for name in server.domains:
        if all(other == name or other.endswith(f".{name}") for other in server.domains):
            return name
    return ""


def size(rule: Rule) -> int:
    """How many random bytes make a secret that is long enough."""
    return max(BYTES, (rule.minimum + 1) // 2)


def alike(rule: Rule, server: Server, values: Mapping[Server, Mapping[str, str]]) -> str:
    """The value that another server has and this one needs alike; empty: none has it.

    ``values``: the settings of all servers. A link may lead on to others that share the key too.
    """
    seen, queue = [server], [server]
    while queue:
        one = queue.pop(0)
        for other in linked(one, [*values]):
            if other in seen or rule.key not in shared([rule], one, other):
                continue
            if value := values[other].get(rule.key):
                return value
            seen.append(other)
            queue.append(other)
    return ""
