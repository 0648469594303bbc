"""Whether a service closes connections that the proxy still keeps: a request then meets the close.

Of the requests that meet it a POST is not sent again, so it ends with 502.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ...model.framing import lines_of
from ...model.inventory import Server
from ...model.stack import Stack
from ..asking import Asked, ask
from ..host import Host
from ..output import Output

SCRIPT = Path(__file__).with_name("idle.sh").read_text(encoding="utf-8")
HOLD = 10
"""Seconds that a connection is held. What servers come with is 2 to 5 s; more would cost more."""


def impatient(
    host: Host, stack: Stack, hold: int = HOLD, new: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """A line for each service that closes idle connections before the proxy; takes ``hold``.

    ``new``: service → the container to ask, where that is not its first one.
    """
    asked = asking(host.server, stack, hold, new)
    return ask(host, asked) if asked else []


def asking(
    server: Server, stack: Stack, hold: int = HOLD, new: Mapping[str, str] = MappingProxyType({})
) -> Asked[list[str]] | None:
    """What :func:`impatient` asks; None where there is nothing to ask."""
    front = stack.proxy
    if front is None or not front.hints.upstreams or not hold:
        return None
    files = "\n".join(str(server.path / name) for name in front.hints.upstreams)
    asked = "\n".join(
        f"{one.name} {new.get(one.name, one.container)} {one.hints.port} {one.hints.path}"
        for one in stack.services
        if one.hints.port
    )
    words = ["bash", "-c", SCRIPT, "idle", str(hold), files, asked]
    return Asked(words, hold + 30, _told)


def _told(output: Output) -> list[str]:
    found = (line.split() for line in sorted(lines_of(output.stdout)))
    return [
        f"{name} closes an idle connection after {int(took) / 1000:.1f} s, but the proxy keeps it"
        f" for {kept} s: requests that meet the close end with 502; let the service keep it longer"
        for name, took, kept in found
    ]
