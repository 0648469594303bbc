"""The ACME client on a server: certbot, with all that it keeps below the server's root."""

from __future__ import annotations

from pathlib import Path

from ..model.acme import cause, lineage
from ..model.errors import Trouble
from .certificates import Source
from .host import Host

SCRIPT = Path(__file__).with_name("acme.sh").read_text(encoding="utf-8")
PROGRAMS = ("certbot",)
LONGEST = 180
"""Seconds that one try may take."""
PAUSES = (2, 10)
"""Seconds before the tries that follow the first; no more tries than these."""


def source(host: Host) -> Source:
    """Where certbot keeps the certificate of the directory that ``hosts.ini`` names."""
    folder = host.server.root / "acme"
    return Source(folder / "live" / lineage(host.server.acme_directory), folder / "archive")


def obtain(host: Host, *, force: bool) -> None:
    """Have a certificate for the server's domains; a new one only when it is due, or by force.

    A directory that fails in passing is asked again; a name that it cannot reach is not: each
    failed question counts against the limits of the authority.
    """
    server = host.server
    output = host.write(
        [
            "bash",
            "-c",
            SCRIPT,
            "acme",
            str(server.root),
            server.acme_directory,
            lineage(server.acme_directory),
            ",".join(server.domains),
            server.acme_email,
            "force" if force else "due",
            str(LONGEST),
            *map(str, PAUSES),
        ],
        timeout=(LONGEST + 10) * (len(PAUSES) + 1) + sum(PAUSES),
        check=False,
    )
    if not output.ok:
        text = f"{output.stdout}\n{output.stderr}"
        raise Trouble(f"{host.name}: no new certificate: {cause(text)}", evidence=output.tail())
