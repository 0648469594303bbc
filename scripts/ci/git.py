"""What the checkout in which a job runs knows of commits."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

FULL_ID = re.compile(r"[0-9a-f]{40}", re.ASCII)


def has(project: Path, commit: str, earlier: str) -> bool:
    """Whether ``earlier`` is ``commit`` or in its history; False where one of them is unknown."""
    return _git(project, "merge-base", "--is-ancestor", earlier, commit).returncode == 0


def differ(project: Path, one: str, other: str, *paths: str) -> bool:
    """Whether these paths differ between two commits; True where one of them is unknown."""
    return _git(project, "diff", "--quiet", one, other, "--", *paths).returncode != 0


def read(project: Path, *words: str) -> str:
    """What git answers; empty when it has no answer."""
    return _git(project, *words).stdout.strip()


def _git(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(project), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
