"""A command of the operator's own, run on a server as the user who logs in."""

from __future__ import annotations

from ..host import Host
from ..output import Output
from .aware import Aware

SCRIPT = """
cd || exit
exec bash -c "$1"
"""
LONGEST = 600
"""Seconds that a command may take."""


def run(host: Host, command: str) -> Output:
    """Run a line of the shell in the user's home; what it printed, and how it ended."""
    aware = Aware(host, SCRIPT, "run", command)
    return aware.said(host.write(aware.words, timeout=LONGEST, check=False))
