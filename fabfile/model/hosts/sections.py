"""Which servers ``hosts.ini`` has, and a compose file which services, for every list and every Tab.

No more than that is read of either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ..names import SERVER

SECTION = re.compile(r"\[([^\]]*)\]\s*")
ENTRY = re.compile(r"""( *)["']?([A-Za-z0-9._-]+)["']? *:.*""")
"""A line of YAML that begins with a key, and how far it is indented."""
DEFAULTS = "defaults"
TASKS = frozenset(
    {
        "bootstrap",
        "cron",
        "db",
        "deploy",
        "disk",
        "doctor",
        "env",
        "events",
        "history",
        "hosts",
        "logs",
        "maintenance",
        "network",
        "new",
        "plan",
        "run",
        "ssl",
        "stats",
        "status",
        "top",
        "volume",
    }
)
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


def services_of(text: str) -> tuple[str, ...]:
    """The services of a compose file in block style, whatever else is wrong with it."""
    found: list[str] = []
    within, margin = False, ""
    for line in text.split("\n"):
        entry = ENTRY.fullmatch(line)
        if entry and not entry[1]:
            within, margin = entry[2] == "services", ""
        elif entry and within and entry[1] == (margin := margin or entry[1]):
            found.append(entry[2])
    return tuple(found)
