"""The ACME client on a server: certbot, with all that it keeps below the server's root."""

from __future__ import annotations

from pathlib import Path

from ...model.certificates.acme import cause, lineage
from ...model.errors import Trouble
from ..host import Host
from ..output import Output
from .certificates import Source

SCRIPT = Path(__file__).with_name("acme.sh").read_text(encoding="utf-8")
PROGRAMS = ("certbot",)
LONGEST = 180
"""Seconds that one try may take."""
TRIES = 3
"""How often a directory that fails in passing is asked."""
PASSING = 75
"""Exit code of the script for such a failure."""
ANSWER = 30
"""Seconds within which the directory must answer before it is asked again."""
REACH = 'curl --silent --fail --output /dev/null --max-time 10 "$1"'


def source(host: Host) -> Source:
    """Where certbot keeps the certificate of the directory that ``hosts.ini`` names."""
    folder = host.server.root / "acme"
    return Source(folder / "live" / lineage(host.server.acme_directory), folder / "archive")


def obtain(host: Host, *, force: bool) -> None:
    """Have a certificate for the server's domains; a new one only when it is due, or by force.

    A directory that fails in passing is asked again; a name that it cannot reach is not: each
    failed question counts against the limits of the authority.
    """
    output = _try(host, force)
    for _ in range(TRIES - 1):
        if output.code != PASSING or not _answers(host):
            break
        output = _try(host, force)
    if not output.ok:
        text = f"{output.stdout}\n{output.stderr}"
        raise Trouble(f"{host.name}: no new certificate: {cause(text)}", evidence=output.tail())


def _try(host: Host, force: bool) -> Output:
    server = host.server
    words = [str(server.root), server.acme_directory, lineage(server.acme_directory)]
    words += [",".join(server.domains), server.acme_email]
    words += ["force" if force else "due", str(LONGEST)]
    return host.write(["bash", "-c", SCRIPT, "acme", *words], timeout=LONGEST + 20, check=False)


def _answers(host: Host) -> bool:
    """Wait until the directory answers; False when it does not."""
    words = ["bash", "-c", REACH, "reach", host.server.acme_directory]
    try:
        host.wait("the directory", lambda: host.read(words, check=False).ok, ANSWER)
    except Trouble:
        return False
    return True
