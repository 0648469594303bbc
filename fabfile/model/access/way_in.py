"""The way to a server beyond its address: a jump host, and what an ``ssh_config`` adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Gateway:
    """A jump host: the server is reached from there."""

    host: str
    port: int = 22
    user: str = ""
    """Empty: the server's."""
    key: Path | None = None
    """None: the server's."""


def completed(
    read: Mapping[str, Any], found: Mapping[str, Any], jump: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of a section, and what it leaves to ``ssh_config``; what it says itself wins.

    ``found``: what ssh_config has for the section's ``host``, as Paramiko reads it; ``jump``: what
    it has for the jump host that it names there. ValueError for what is not done here.
    """
    if "gateway" not in read and "proxycommand" in found:
        raise ValueError("ProxyCommand is not used here; name the jump host (gateway)")
    values = {**read, "host": found["hostname"]}
    for key, option in (("port", "port"), ("user", "user")):
        if option in found:
            values.setdefault(key, int(found[option]) if key == "port" else found[option])
    if "identityfile" in found and not read.get("agent"):
        values.setdefault("key", Path(found["identityfile"][0]))
    if jump:
        identity = jump.get("identityfile", [None])[0]
        named = Gateway(
            jump["hostname"],
            int(jump.get("port", 22)),
            jump.get("user", ""),
            Path(identity) if identity else None,
        )
        values.setdefault("gateway", named)
    return values
