"""A glance: what one line about a server needs, in one round trip, without changing the server."""

from __future__ import annotations

import secrets
from pathlib import Path

from ..model.errors import Trouble
from ..model.watch.glance import Glance, parse
from .host import Host

SCRIPT = Path(__file__).with_name("glance.sh").read_text(encoding="utf-8")
ENGINE = 20
"""Seconds that the engine may take."""


def glance(host: Host) -> Glance:
    """Glance at a server; :class:`Trouble` where that is not possible."""
    server, mark = host.server, f"@@{secrets.token_hex(8)}"
    words = ["bash", "-c", SCRIPT, "glance", str(server.path), str(server.root), mark, str(ENGINE)]
    output = host.read(words, timeout=2 * ENGINE, check=False)
    try:
        return parse(output.stdout, mark)
    except Trouble as trouble:
        said = f"{host.name}: {trouble.message}"
        raise Trouble(said, code=trouble.code, evidence=output.errors()) from None
