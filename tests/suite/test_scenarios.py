"""Every task of README's table is run somewhere in the lab, on real servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fabfile import ns
from fabfile.command import known_servers

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("tests/lab", "tests/incidents")
SERVER = r"(?:ubuntu|montreal|third|bare|\{[\w.]+\})"
"""How a test names a server in front of a task."""
CALL = r"(?:\.(?:must|fab|json|start)\(|\.program\(\"wishwithme-ops\"\),)\s*"
SOURCE = "\n".join(
    file.read_text() for place in PLACES for file in sorted((ROOT / place).rglob("*.py"))
)
_, _, LISTED = (ROOT / "tests/lab/test_local.py").read_text().partition("WORK = (")
TASKS = sorted(
    {re.sub(rf"^({'|'.join(known_servers())})\.", "SERVER.", name) for name in ns.task_names}
)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_a_scenario_in_the_lab(name: str) -> None:
    """By a string that begins with it: where it has no dot, that of a call or of a line to run."""
    written = re.escape(name).replace("SERVER", SERVER)
    begun = rf"""f?["']{written}["' ]"""
    if "." in name:
        assert re.search(begun, SOURCE)
    else:
        assert re.search(rf"{CALL}{begun}", SOURCE) or re.search(begun, LISTED.partition("\n)")[0])
