"""Whatever is pinned is looked after: a bot proposes newer versions of all of it."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
UPDATES: list[dict[str, Any]] = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())[
    "updates"
]
PINS = {
    "docker": ["services/*/Dockerfile"],
    "docker-compose": ["compose/docker-compose*.yml"],
    "pip": ["requirements*.txt", "services/*/requirements*.txt"],
    "npm": ["services/*/package-lock.json"],
    "github-actions": [".github/workflows/*.yml"],
}
"""Where the pins of each kind stand."""
FIXED = (7, 4, 6)
"""The first Redis 7.4 in which no script of a client runs its own code (CVE-2025-49844)."""


@pytest.mark.parametrize("kind", PINS)
def test_every_pin_is_looked_after(kind: str) -> None:
    (update,) = (one for one in UPDATES if one["package-ecosystem"] == kind)
    found = [file for pattern in PINS[kind] for file in ROOT.glob(pattern)]
    assert found
    for file in found:
        # The bot looks for workflows by itself, from the root.
        folder = "/" if kind == "github-actions" else f"/{file.relative_to(ROOT).parent}"
        folder = "/" if folder == "/." else folder
        assert any(fnmatch(folder, pattern) for pattern in update["directories"]), file


def test_nothing_else_is_looked_after() -> None:
    assert {one["package-ecosystem"] for one in UPDATES} == {*PINS}


def test_every_image_of_others_has_a_whole_version() -> None:
    """A name that moves would be deployed by whoever pulls next."""
    files = [*ROOT.glob("compose/*.yml"), *ROOT.glob("services/*/Dockerfile")]
    text = "".join(file.read_text() for file in files)
    named = re.findall(r"^(?:FROM|\s+image:) ([\w./-]+):(\S+)", text, re.MULTILINE)
    others = {(name, tag) for name, tag in named if not name.startswith("wishwithme/")}
    assert {name for name, _ in others} == {
        *("debian", "nginx", "node", "postgres", "python", "redis")
    }
    assert [tag for _, tag in others if not re.match(r"\d+\.\d+", tag)] == []


def test_redis_is_none_of_those_with_the_known_hole() -> None:
    for file in ROOT.glob("compose/*.yml"):
        for version in re.findall(r"image: redis:(\d+)\.(\d+)\.(\d+)-", file.read_text()):
            assert tuple(map(int, version)) >= FIXED
