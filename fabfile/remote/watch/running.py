"""A command of the operator's own, run on a server as the user who logs in."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ...model.access.secrecy import secret_values
from ...model.framing import begun
from ..host import Host
from ..output import Output

SCRIPT = """
checkout=$1 mark=$2
section() { printf '\\n%s %s\\n' "$mark" "$1"; }
section example
cat "$checkout/.env.example" 2>/dev/null
section env
cat "$checkout/.env" 2>/dev/null
section said
cd || exit
exec bash -c "$3"
"""
LONGEST = 600
"""Seconds that a command may take."""


def run(host: Host, command: str) -> Output:
    """Run a line of the shell in the user's home; what it printed, and how it ended.

    The server's secrets are read first, so that none is shown that the command prints.
    """
    mark = f"@@{secrets.token_hex(8)}"
    words = ["bash", "-c", SCRIPT, "run", str(host.server.path), mark, command]
    output = host.write(words, timeout=LONGEST, check=False)
    host.hide(
        secret_values(begun(output.stdout, mark, "env"), begun(output.stdout, mark, "example"))
    )
    _, _, said = output.stdout.partition(f"\n{mark} said\n")
    return replace(output, stdout=said)
