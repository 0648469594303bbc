"""A command that knows a server's secrets first, so that none is shown that its programs print."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ...model.access.secrecy import secret_values
from ...model.errors import Trouble
from ...model.framing import begun
from ..host import Host
from ..output import Output

KNOWING = """
checkout=$1 mark=$2
shift 2
section() { printf '\\n%s %s\\n' "$mark" "$1"; }
section example
cat "$checkout/.env.example" 2>/dev/null
section env
cat "$checkout/.env" 2>/dev/null
section said
"""


class Aware:
    """One such command: its words, and what it said when its output is there."""

    def __init__(self, host: Host, script: str, name: str, *arguments: str) -> None:
        """``script`` finds its ``arguments`` as ever, and ``$checkout``."""
        self._host = host
        self._mark = f"@@{secrets.token_hex(8)}"
        self.words = ["bash", "-c", KNOWING + script, name, str(host.server.path), self._mark]
        self.words += arguments

    def said(self, output: Output) -> Output:
        """Its output without the settings, which are hidden from now on.

        Nothing of it where the settings did not come: what must not be shown is not known then.
        """
        mark, text = self._mark, output.stdout
        self._host.hide(secret_values(begun(text, mark, "env"), begun(text, mark, "example")))
        _, known, said = text.partition(f"\n{mark} said\n")
        return replace(output, stdout=said, stderr=output.stderr if known else "")


def know(host: Host) -> None:
    """The same for a command that is followed line by line."""
    read(host, "", "know", timeout=30)


def read(host: Host, script: str, name: str, *arguments: str, timeout: float) -> str:
    """What a script that changes nothing printed; :class:`Trouble` when it fails."""
    aware = Aware(host, script, name, *arguments)
    output = aware.said(host.read(aware.words, timeout=timeout, check=False))
    if not output.ok:
        what = f"'{name}' failed with exit code {output.code}"
        raise Trouble(f"{host.name}: {what}", evidence=output.tail())
    return output.stdout
