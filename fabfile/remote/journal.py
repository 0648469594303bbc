"""A server's journal: ``releases/journal`` below its root, a line of JSON for each entry."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from ..model.journal import Entry, entries
from .host import Host

LARGEST = 1 << 19
"""Bytes of the file, after which it becomes ``journal.1`` and the one before is gone."""
PATIENCE = 10
"""Seconds that writing an entry may take."""
SCRIPT = Path(__file__).with_suffix(".sh").read_text(encoding="utf-8")
READ = """
cd "$1" 2>/dev/null || exit 0
grep -ahs '^{' env.log journal.1 journal || :
"""
"""``env.log`` is what servers of the version before the journal have."""
GIT = ["git", "rev-parse", "HEAD:./__init__.py", "HEAD"]


def write(host: Host, entry: Entry) -> None:
    """Add an entry that ends now; :class:`~fabfile.model.errors.Trouble` where that fails."""
    folder = str(host.server.root / "releases")
    words = ["bash", "-c", SCRIPT, "journal", folder, str(round(entry.seconds)), str(LARGEST)]
    host.write(words, stdin=f"{entry.to_json()}\n", timeout=PATIENCE)


def read(host: Host) -> list[Entry]:
    """All that the server still has, oldest first."""
    folder = str(host.server.root / "releases")
    said = host.read(["bash", "-c", READ, "journal-read", folder], check=False).stdout
    return sorted(entries(said), key=lambda one: one.at)


@cache
def collection() -> str:
    """The commit of this collection; empty where it is installed as a package."""
    here = Path(__file__).parents[1]
    try:
        found = subprocess.run(
            GIT, cwd=here, check=True, capture_output=True, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.split()[-1]
