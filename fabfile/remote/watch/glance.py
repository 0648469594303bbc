"""A glance: what one line about a server needs, in one round trip, without changing the server."""

from __future__ import annotations

import secrets
from pathlib import Path

from ...model.errors import Trouble
from ...model.watch.glance import Glance, parse
from ..host import OVERDUE, Host
from ..output import Output

SCRIPT = Path(__file__).with_name("glance.sh").read_text(encoding="utf-8")
LONGEST = 30
"""Seconds that it may take; only an engine that hangs needs them."""


def glance(host: Host) -> Glance:
    """Glance at a server; :class:`Trouble` where that is not possible.

    In a session of its own: nothing else is asked there, so a shell would wait for nothing.
    """
    server, mark = host.server, f"@@{secrets.token_hex(8)}"
    words = ["bash", "-c", SCRIPT, "glance", str(server.path), str(server.root), mark]

    def failed(output: Output) -> Trouble:
        why = f"failed with exit code {output.code}"
        if output.code == OVERDUE:
            why = f"did not end within {LONGEST} s; does its engine hang?"
        return Trouble(f"{host.name}: the look at it {why}", evidence=output.errors())

    with host.stream(words, timeout=LONGEST, failed=failed) as stream:
        said = stream.read()
    try:
        found = parse(said.decode("utf-8", "replace"), mark)
        if found.maintenance:
            host.hide([found.maintenance.token])
        return found
    except ValueError as error:
        raise Trouble(f"{host.name}: {error}") from None
