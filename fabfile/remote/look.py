"""Look: one round trip that gathers everything a decision needs, without changing the server."""

from __future__ import annotations

import secrets
from pathlib import Path

from ..model.access.secrecy import secret_values
from ..model.answer import parse
from ..model.deploy import preflight
from ..model.errors import Trouble, refused
from ..model.facts import Facts
from ..model.framing import begun
from .access.connect import missing_programs
from .deploy.compose import CLEAN
from .deploy.git import LONGEST, MEANWHILE, SHARED, STILL
from .host import Host
from .output import Limits

LOOK, EXAMINE, COMMIT = (
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("look.sh", "examine.sh", "commit.sh")
)


def script(ref: str, *, closely: bool = False) -> str:
    """The facts of a server, and what ``ref`` wants where there is one."""
    facts = CLEAN + SHARED + MEANWHILE + LOOK + (EXAMINE if closely else "")
    return facts + (COMMIT if ref else "answered\n")


def look(host: Host, ref: str = "", *, closely: bool = False) -> Facts:
    """Look at a server; with ``ref``, also at that commit as its repository has it now.

    ``closely``: at what only doctor asks as well.
    """
    server = host.server
    mark = f"@@{secrets.token_hex(8)}"
    output = host.read(
        [
            "bash",
            "-c",
            script(ref, closely=closely),
            "look",
            str(server.path),
            str(server.root),
            server.repository,
            ref,
            server.compose_file,
            mark,
            str(STILL),
            str(LONGEST),
        ],
        timeout=Limits(LONGEST + 2 * STILL, still=2 * STILL),
        check=False,
    )
    # Also of half an answer: what follows may show what its programs said.
    examples = [begun(output.stdout, mark, name) for name in ("example_here", "example")]
    host.env = begun(output.stdout, mark, "env")
    host.hide(secret_values(host.env, *examples))
    try:
        facts = parse(output.stdout, mark, ref)
        if facts.maintenance:
            host.hide([facts.maintenance.token])
        return facts
    except ValueError as error:
        if output.code == 73:
            raise refused(
                f"{host.name}: no temporary file can be made; is the disk full?"
            ) from None
        # Only its errors: what it printed holds .env, of which not all is hidden.
        raise Trouble(f"{host.name}: {error}", evidence=output.errors()) from None


def require_programs(
    host: Host, names: tuple[str, ...], wished: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Exit code 2 when the server lacks one of these programs; which of the ``wished`` it lacks."""
    missing = missing_programs(host, (*names, *wished))
    if needed := [name for name in missing if name in names]:
        raise refused(f"{host.name}: {preflight.missing_programs(needed)}", about="programs")
    return tuple(missing)
