"""README's way to a real installation: what its commands do to a server that is in use already."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPY = re.compile(r"^ssh SERVER '(.*)' <\.env\.example$", re.MULTILINE)


def copy(home: Path) -> int:
    """What the server's shell does with the command that brings ``.env``."""
    (command,) = COPY.findall((ROOT / "README.md").read_text())
    with (ROOT / ".env.example").open() as example:
        return subprocess.run(
            ["sh", "-c", command], cwd=home, stdin=example, check=False
        ).returncode


def test_the_settings_are_copied_for_their_owner_alone(tmp_path: Path) -> None:
    assert copy(tmp_path) == 0
    (made,) = tmp_path.glob("*/.env")
    assert made.read_text() == (ROOT / ".env.example").read_text()
    assert made.stat().st_mode & 0o777 == 0o600


def test_the_secrets_of_a_server_in_use_are_not_overwritten(tmp_path: Path) -> None:
    copy(tmp_path)
    (made,) = tmp_path.glob("*/.env")
    made.write_text("JWT_SECRET_KEY=of-this-server\n")
    assert copy(tmp_path) != 0
    assert made.read_text() == "JWT_SECRET_KEY=of-this-server\n"


def test_no_page_has_another_command_that_writes_settings() -> None:
    pages = [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")]
    lines = [line for page in pages for line in page.read_text().splitlines()]
    writes = [
        line for line in lines if re.search(r"\b(scp|rsync|cp|mv)\b.*\.env\b|> ?\S*\.env\b", line)
    ]
    assert [line for line in writes if not COPY.fullmatch(line)] == []
    assert len(writes) == 1
