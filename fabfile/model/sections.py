"""Which servers ``hosts.ini`` has. No more than that is read for every list and every Tab."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .names import SERVER

SECTION = re.compile(r"\[([^\]]*)\]\s*")
DEFAULTS = "defaults"
TASKS = frozenset({"cron", "db", "deploy", "doctor", "new", "plan", "ssl", "status", "volume"})
"""What ``fab NAME`` is already: no server is called so."""


def hosts_file(environ: Mapping[str, str], project: Path) -> Path:
    """Where the inventory is: ``$HOSTS_INI``, else ``hosts.ini`` of the project."""
    return Path(environ.get("HOSTS_INI") or project / "hosts.ini").expanduser()


def servers_of(text: str) -> tuple[str, ...]:
    """The servers of an inventory, whatever else is wrong with it."""
    headers = (SECTION.fullmatch(line.strip()) for line in text.split("\n"))
    names = dict.fromkeys(header[1].strip() for header in headers if header)
    return tuple(
        name for name in names if SERVER.fullmatch(name) and name not in {DEFAULTS, *TASKS}
    )
