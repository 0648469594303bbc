"""Whether somebody listens at a container's port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..model.framing import lines_of
from .host import Host

PATIENCE = 5
"""Seconds that one connection may take."""
LISTENING = f"""
while read -r name address port; do
  timeout {PATIENCE} bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$address" "$port" 2>/dev/null &&
    printf '%s\\n' "$name"
done
:
"""


@dataclass(frozen=True)
class Place:
    """A port of a container."""

    name: str
    address: str
    port: int


def listening(host: Host, places: Sequence[Place]) -> set[str]:
    """The names of those that take a connection, asked on the server itself."""
    if not places:
        return set()
    lines = "".join(f"{one.name} {one.address} {one.port}\n" for one in places)
    words = ["bash", "-c", LISTENING, "ports"]
    output = host.read(words, stdin=lines, timeout=10 + PATIENCE * len(places))
    return set(lines_of(output.stdout))
